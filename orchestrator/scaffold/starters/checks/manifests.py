"""Would the stores and the systems take this application?

``AndroidManifest.xml`` and ``Info.plist``: they parse, name what they must
(package or application, bundle identifier, version), do not allow debugging
in what ships, and do not allow unencrypted traffic everywhere. Permissions
that read people's data need a reason: a purpose text in ``Info.plist``.

Writes JUnit, one case per file.
"""

import plistlib
import xml.etree.ElementTree as ET

import checklib

ANDROID = "{http://schemas.android.com/apk/res/android}"
NEEDED = ("CFBundleIdentifier", "CFBundleShortVersionString", "CFBundleVersion")


def android_problems(text):
    if "<!DOCTYPE" in text:
        return ["a DOCTYPE is not allowed here"]
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        return [(f"is not XML: {error}", error.position[0])]
    problems = [] if root.tag == "manifest" else [f"begins with <{root.tag}>, not <manifest>"]
    application = root.find("application")
    if application is None:
        return [*problems, "has no <application>"]
    if application.get(f"{ANDROID}debuggable") == "true":
        problems.append("android:debuggable is true in what ships")
    if application.get(f"{ANDROID}usesCleartextTraffic") == "true":
        problems.append("android:usesCleartextTraffic allows unencrypted traffic")
    for part in application:
        if part.find("intent-filter") is not None and part.get(f"{ANDROID}exported") is None:
            problems.append(f"{part.get(f'{ANDROID}name')} has an intent filter and does not say "
                            "android:exported")
    return problems


def apple_problems(content):
    try:
        values = plistlib.loads(content)
    except Exception as error:  # plistlib raises what its parsers raise
        return [f"is not a property list: {error}"]
    problems = [f"has no {key}" for key in NEEDED if not values.get(key)]
    transport = values.get("NSAppTransportSecurity", {})
    if transport.get("NSAllowsArbitraryLoads"):
        problems.append("NSAllowsArbitraryLoads allows unencrypted traffic")
    problems += [f"{key} gives no reason" for key, value in values.items()
                 if key.endswith("UsageDescription") and not str(value).strip()]
    return problems


def main():
    options = checklib.arguments(__doc__)
    report = checklib.Report("manifests")
    for name in checklib.files("*AndroidManifest.xml", without=["*/debug/*", "*/androidTest/*"]):
        report.case(name, android_problems(checklib.read(name)), file=name)
    for name in checklib.files("*Info.plist"):
        with open(name, "rb") as file:
            report.case(name, apple_problems(file.read()), file=name)
    report.finish(options.report)


if __name__ == "__main__":
    main()
