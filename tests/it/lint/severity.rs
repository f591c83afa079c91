//! Severities, exit codes, and what is allowed.

use std::fs;

use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::{Image, Layer};
use diskwright_tests::judge::judge;
use serde_json::json;

use crate::lint::images::{good, over};
use crate::lint::reports::{USAGE, VALIDATION, counts, found, report, run};

#[test]
fn a_good_image_has_nothing_fatal_and_no_warning() {
    let directory = tempfile::tempdir().unwrap();
    let source = Image::new(vec![good()]).write(&directory.path().join("good"));
    let report = report(directory.path(), &source, &[]);
    assert_eq!(counts(&report), [0, 0, 0], "{report:#}");
    let (code, text) = run(directory.path(), &source, &["--fail-on", "warning"]);
    assert_eq!(code, Some(0));
    assert!(text.lines().last().unwrap().contains(" checks: 0 fatal, 0 warnings, "), "{text}");
}

#[test]
fn the_exit_code_follows_the_severity_that_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let warning = over(Layer::new().file("etc/open", 0o666, b"")).write(&path.join("warning"));
    let fatal = over(Layer::new().fifo("usr/lib/pipe")).write(&path.join("fatal"));
    for (source, arguments, code) in [
        (&warning, &[][..], 0),
        (&warning, &["--fail-on", "fatal"], 0),
        (&warning, &["--fail-on", "warning"], VALIDATION),
        (&warning, &["--fail-on", "info"], VALIDATION),
        (&warning, &["--fail-on", "warning", "--allow", "world-writable"], 0),
        (&fatal, &[], VALIDATION),
        (&fatal, &["--format", "json"], VALIDATION),
        (&fatal, &["--format", "json", "--json"], VALIDATION),
        (&fatal, &["--format", "sarif"], VALIDATION),
        (&fatal, &["--format", "junit"], VALIDATION),
        (&fatal, &["--format", "github"], VALIDATION),
        (&fatal, &["--fail-on", "never"], 0),
        (&fatal, &["--allow", "device-nodes"], 0),
    ] {
        assert_eq!(run(path, source, arguments).0, Some(code), "{source} {arguments:?}");
    }
}

#[test]
fn what_is_allowed_is_counted_and_named_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let layer = || {
        Layer::new()
            .file("etc/a.key", 0o600, b"-----BEGIN PRIVATE KEY-----\n")
            .file("etc/b.key", 0o600, b"-----BEGIN PRIVATE KEY-----\n")
            .fifo("usr/lib/pipe")
    };
    let own = layer().file("usr/lib/diskwright/lint.allow", 0o644, b"private-keys /etc/a.key # a sample\n");
    let [plain, own] = [("plain", layer()), ("own", own)].map(|(name, layer)| over(layer).write(&path.join(name)));
    fs::write(path.join("allow"), "# of this image\nprivate-keys etc/*.key\ndevice-nodes  # why not\nvar-log\n")
        .unwrap();

    let by_option = report(path, &plain, &["--allow", "device-nodes"]);
    assert_eq!(counts(&by_option), [0, 2, 1]);
    assert_eq!(by_option["allowed"][0]["by"], "--allow");
    let by_file = report(path, &plain, &["--allow-file", "allow"]);
    assert_eq!(counts(&by_file), [0, 0, 3]);
    let fifo = &by_file["allowed"][0];
    assert_eq!(json!([fifo["by"], fifo["why"]]), json!(["allow line 3", "why not"]), "{by_file:#}");
    assert_eq!(by_file["notes"][0], "allow line 4 allows var-log, which finds nothing there");
    let by_image = report(path, &own, &[]);
    assert_eq!(counts(&by_image), [1, 1, 1]);
    assert_eq!(by_image["allowed"][0]["by"], "/usr/lib/diskwright/lint.allow line 1");
    assert_eq!(found(&by_image, "findings", "private-keys").len(), 1);
    let (_, text) = run(path, &own, &[]);
    for words in
        ["Allowed", "/etc/a.key: a private key", "lint.allow line 1: a sample]", "1 fatal, 1 warning,", "1 allowed"]
    {
        assert!(text.contains(words), "no `{words}` in:\n{text}");
    }
}

#[test]
fn a_name_that_no_check_has_is_a_usage_error_with_the_nearest_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = Image::new(vec![good()]).write(&path.join("image"));
    fs::write(path.join("unknown"), "var-log\n\nvar-logs  # x\n").unwrap();
    fs::write(path.join("words"), "var-log a b\n").unwrap();
    fs::write(path.join("binary"), b"\xff").unwrap();
    let _ = judge("mkfifo", [path.join("fifo")]).passed();
    for (arguments, words) in [
        (&["--allow", "var-logs"][..], &["there is no check `var-logs`", "hint: ", "`var-log`", "--list"][..]),
        (&["--allow-file", "unknown"], &["unknown line 3: there is no check `var-logs`", "`var-log`"]),
        (&["--allow-file", "words"], &["words line 1: 3 words"]),
        (&["--allow-file", "binary"], &["binary", "not UTF-8"]),
        (&["--allow-file", "fifo"], &["cannot use fifo for --allow-file: it is not a regular file", "hint: "]),
        (&["--allow-file", "."], &["it is not a regular file"]),
        (&["--allow-file", "nowhere"], &["cannot use nowhere for --allow-file"]),
        (&["--format", "yaml"], &["--format", "junit"]),
        (&["--json", "--format", "sarif"], &["--json and --format sarif", "hint: leave one of them out"]),
        (&["--json", "--format", "text"], &["--json and --format text"]),
        (&["--fail-on", "error"], &["--fail-on", "expected fatal, warning, info or never"]),
    ] {
        let run = diskwright(path, ["lint", &source].iter().chain(arguments));
        assert_eq!(run.code, Some(USAGE), "{arguments:?}: {}", run.stderr);
        for word in words {
            assert!(run.stderr.contains(word), "{arguments:?}: no `{word}` in:\n{}", run.stderr);
        }
    }
    for arguments in [&["lint"][..], &["lint", "--list", "--format", "sarif"], &["lint", "--list", &source]] {
        assert_eq!(diskwright(path, arguments).code, Some(USAGE), "{arguments:?}");
    }
}

#[test]
fn thousands_of_findings_are_cut_with_their_number() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let layer = (0..2000).fold(Layer::new(), |layer, n| layer.file(&format!("usr/share/open/{n:04}"), 0o666, b""));
    let source = over(layer).write(&path.join("image"));
    let cut = report(path, &source, &[]);
    assert_eq!(found(&cut, "findings", "world-writable").len(), 20);
    assert_eq!(cut["counts"]["warning"], 2000);
    assert_eq!(cut["cut"], json!([{ "check": "world-writable", "more": 1980 }]));
    assert!(run(path, &source, &[]).1.contains("    and 1980 more\n"));
    let allowed = report(path, &source, &["--allow", "world-writable"]);
    assert_eq!(counts(&allowed), [0, 0, 2000]);
    let all = report(path, &source, &["--all"]);
    assert_eq!(found(&all, "findings", "world-writable").len(), 2000);
    assert_eq!(all["cut"], json!([]));
}
