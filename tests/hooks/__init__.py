"""Tests of the hooks: payloads as observed, the entry script really started."""
