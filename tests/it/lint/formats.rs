//! Reports for other programs, and the list of checks.

use std::fs;
use std::path::Path;

use diskwright_tests::command::{checkout, diskwright};
use diskwright_tests::fixture::{Image, Layer};
use diskwright_tests::judge::judge;
use serde_json::{Value, json};

use crate::lint::images::{good, over};
use crate::lint::reports::{USAGE, VALIDATION, run};

/// An image with findings of all severities, one of them allowed, and names that no format takes as they are.
fn colourful(directory: &Path) -> String {
    over(
        Layer::new()
            .fifo("usr/lib/a <b> & \"c\" 'd', e: 100%\n\u{1}]]>")
            .file("etc/open", 0o666, b"")
            .file("var/log/x", 0o644, b"x")
            .file("usr/lib/tmpfiles.d/log.conf", 0o644, b"d /var/log\nf /var/log/x\n")
            .file("usr/lib/diskwright/lint.allow", 0o644, b"var-log # <known> & meant\n"),
    )
    .write(&directory.join("colourful"))
}

#[test]
fn sarif_has_what_scanners_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (_, stdout) = run(path, &colourful(path), &["--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let runs = sarif["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert_eq!(driver["name"], "diskwright");
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        for pointer in ["/shortDescription/text", "/fullDescription/text", "/help/text", "/help/markdown"] {
            assert!(rule.pointer(pointer).and_then(Value::as_str).is_some_and(|text| !text.is_empty()), "{rule:#}");
        }
        let level = rule["defaultConfiguration"]["level"].as_str().unwrap();
        assert!(["error", "warning", "note"].contains(&level), "{rule:#}");
    }
    let results = runs[0]["results"].as_array().unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(rules[index]["defaultConfiguration"]["level"], result["level"]);
        assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
        let location = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        assert!(runs[0]["originalUriBaseIds"].get(location["uriBaseId"].as_str().unwrap()).is_some());
        let uri = location["uri"].as_str().unwrap();
        let is_uri = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
        assert!(!uri.is_empty() && !uri.starts_with('/') && uri.bytes().all(is_uri), "{uri}");
        assert_eq!(result["partialFingerprints"]["diskwright/v1"].as_str().unwrap().len(), 64);
    }
    let of = |check: &str| results.iter().find(|result| result["ruleId"] == check).unwrap();
    assert_eq!(of("device-nodes")["level"], "error");
    let uri = of("device-nodes").pointer("/locations/0/physicalLocation/artifactLocation/uri").unwrap();
    assert_eq!(uri, "usr/lib/a%20%3Cb%3E%20%26%20%22c%22%20%27d%27%2C%20e%3A%20100%25%0A%01%5D%5D%3E");
    assert_eq!(of("world-writable")["level"], "warning");
    assert_eq!(of("world-writable")["suppressions"], json!([]));
    // Either all results have the property, or none.
    let (_, stdout) = run(path, &Image::new(vec![good()]).write(&path.join("good")), &["--format", "sarif"]);
    let plain: Value = serde_json::from_str(&stdout).unwrap();
    let results_of_good = plain["runs"][0]["results"].as_array().unwrap();
    assert!(!results_of_good.is_empty());
    assert!(results_of_good.iter().all(|result| result.get("suppressions").is_none()), "{plain:#}");
    let suppression = &of("var-log")["suppressions"][0];
    assert_eq!(json!([suppression["kind"], suppression["status"]]), json!(["external", "accepted"]));
    assert_eq!(suppression["justification"], "/usr/lib/diskwright/lint.allow line 1: <known> & meant");
}

#[test]
fn junit_is_xml_in_which_checks_fail_from_the_severity_that_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = colourful(path);
    for (fail_on, failures) in [("fatal", "1"), ("warning", "2"), ("never", "0")] {
        let (_, xml) = run(path, &source, &["--format", "junit", "--fail-on", fail_on]);
        let file = path.join("lint.xml");
        fs::write(&file, xml).unwrap();
        let _ = judge("xmllint", ["--noout".as_ref(), file.as_os_str()]).passed();
        let ask = |what: &str| {
            judge("xmllint", ["--xpath".as_ref(), what.as_ref(), file.as_os_str()]).passed().stdout.trim().to_owned()
        };
        assert_eq!(ask("string(/testsuites/testsuite/@failures)"), failures, "{fail_on}");
        assert_eq!(ask("count(//failure)"), failures, "{fail_on}");
        assert_eq!(ask("string(/testsuites/testsuite/@tests)"), ask("count(//testcase)"));
        assert_eq!(ask("string(/testsuites/testsuite/@skipped)"), ask("count(//testcase/skipped)"));
        // Jenkins' junit-10.xsd has the attribute for a suite only.
        assert_eq!(ask("count(/testsuites/@skipped)"), "0");
        assert_eq!(ask("string(//testcase[skipped]/@name)"), "var-log");
        let told = ask("string(//testcase[@name='device-nodes'])");
        assert!(told.contains("/usr/lib/a <b> & \"c\" 'd', e: 100%\\x0a\\x01]]>: a FIFO"), "{told}");
    }
}

#[test]
fn github_commands_are_one_line_each() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (code, stdout) = run(path, &colourful(path), &["--format", "github"]);
    assert_eq!(code, Some(VALIDATION));
    let lines: Vec<&str> = stdout.lines().collect();
    assert!(
        lines[0].starts_with("::error title=fatal%3A device-nodes::/usr/lib/a <b> & \"c\" 'd', e: 100%25\\x0a\\x01]]>: a FIFO%0Afix:%0ARUN "),
        "{}",
        lines[0]
    );
    assert!(lines[1].starts_with("::warning title=warning%3A world-writable::/etc/open: "), "{}", lines[1]);
    assert!(lines.iter().any(|line| line.starts_with("::notice title=info%3A setuid::")), "{stdout}");
    assert!(lines.contains(&"allowed: var-log [/usr/lib/diskwright/lint.allow line 1]"), "{stdout}");
    assert!(lines.last().unwrap().contains("1 fatal, 1 warning, "), "{stdout}");
}

#[test]
fn every_fix_of_a_check_is_in_every_report() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    // Both are found by var-tmpfiles: a line makes the one, and what is in the other has to be somewhere.
    let layer = Layer::new().directory("var/lib/app/", 0o755).file("var/lib/app/state", 0o644, b"x");
    let source = over(layer).write(&path.join("image"));
    for format in ["text", "junit", "github", "sarif", "json"] {
        let (_, told) = run(path, &source, &["--format", format]);
        for fix in ["# for each line that is told", "# what a build leaves behind is removed"] {
            assert!(told.contains(fix), "{format}: no `{fix}` in:\n{told}");
        }
    }
}

#[test]
fn the_list_documents_every_check() {
    let directory = tempfile::tempdir().unwrap();
    let list = |arguments: &[&str]| {
        let mut all = vec!["lint", "--list"];
        all.extend(arguments);
        diskwright(directory.path(), all).succeeded().stdout
    };
    let page = list(&["--format", "markdown"]);
    assert_eq!(page, list(&[]));
    let committed = fs::read_to_string(checkout().join("docs/checks.md")).unwrap_or_default();
    assert!(
        page == committed,
        "docs/checks.md is another one: make it anew with `diskwright lint --list --format markdown > docs/checks.md`"
    );
    let of_an_image = diskwright(directory.path(), ["lint", "oci:image", "--format", "markdown"]);
    assert_eq!(of_an_image.code, Some(USAGE));
    assert!(of_an_image.stderr.contains("--format markdown is for --list"), "{}", of_an_image.stderr);
    let checks: Value = serde_json::from_str(&list(&["--format", "json"])).unwrap();
    for check in checks.as_array().unwrap() {
        let text = |key: &str| check[key].as_str().unwrap();
        assert!(page.contains(&format!("### `{}`\n\n{}.", text("name"), text("summary"))), "{check:#}");
        assert!(page.contains(text("reason")) && page.contains(text("fix")), "{check:#}");
    }
    for title in ["## Fatal", "## Warnings", "## Infos"] {
        assert!(page.contains(title), "{title}");
    }
}
