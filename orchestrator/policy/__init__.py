"""Rules, decisions and entitlements. Pure: values in, values out; no file, clock or process."""
