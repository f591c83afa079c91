//! A build looks at its images first: what is fatal ends it, unless somebody allows it or does not want to know.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use diskwright_tests::chunked::chunked;
use diskwright_tests::command::{Run, diskwright, names};
use diskwright_tests::fixture::{Image, Layer};
use serde_json::Value;

use crate::lint::{INITRAMFS, cases, cpio, good, over};

const USAGE: i32 = 2;
const VALIDATION: i32 = 4;

/// The fatal checks that a build runs.
const LOOKED_FOR: [&str; 6] =
    ["api-base-directories", "baseimage-root", "disk-limits", "initramfs-prepare-root", "kernel-modules", "var-run"];

/// What the build decides itself, and its words for the bad images of the check, in their order; none where the file in
/// question does not come to the disk, and the build is done.
const DECIDED: [(&str, &[&str]); 12] = [
    ("boot-loader", &["usr/lib/bootupd/updates"]),
    ("bootc-kargs", &["10-a.toml"]),
    ("composefs-value", &["`signed`"]),
    ("device-nodes", &["/usr/lib/pipe is a FIFO"]),
    ("etc-usretc", &["/usr/etc"]),
    ("fat-names", &["", "", ""]),
    ("initramfs", &["initramfs"]),
    ("install-config", &["00-a.toml", "00-a.toml"]),
    ("kernel", &["6.1.0"]),
    ("kernel-missing", &["no kernel", "a b"]),
    ("os-release", &["os-release"]),
    ("utf8", &["b\\xffd is not valid UTF-8"]),
];

/// Begins what is said of an image that is refused.
const REFUSED: &str = "would not make a working machine";

fn build(directory: &Path, source: &str, arguments: &[&str]) -> Run {
    let mut all = vec!["build", source, "--platform", "linux/amd64", "--target-imgref", "registry.example/os"];
    all.extend(["--progress", "none"]);
    all.extend(arguments);
    diskwright(directory, all)
}

fn plan(directory: &Path, source: &str, arguments: &[&str]) -> (Value, String) {
    let mut all = vec!["--dry-run", "--json"];
    all.extend(arguments);
    let run = build(directory, source, &all).succeeded();
    (serde_json::from_str(&run.stdout).unwrap(), run.stderr)
}

/// The good image with a directory `/var/run`.
fn with_var_run() -> Image {
    over(Layer::new().directory("var/run/", 0o755))
}

#[test]
fn what_is_fatal_ends_a_build_in_the_words_of_lint_or_in_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let list: Value = serde_json::from_str(&diskwright(path, ["lint", "--list", "--json"]).succeeded().stdout).unwrap();
    let checks = list.as_array().unwrap().iter();
    let fatal: BTreeSet<&str> =
        checks.filter(|check| check["severity"] == "fatal").map(|check| check["name"].as_str().unwrap()).collect();
    let known: BTreeSet<&str> = LOOKED_FOR.into_iter().chain(DECIDED.map(|(check, _)| check)).collect();
    assert_eq!(fatal, known, "every fatal check is looked for by a build, or decided by it");
    let mut numbers = DECIDED.map(|(_, words)| words.iter());
    for (at, (check, place, bad, _)) in cases().into_iter().filter(|(check, ..)| fatal.contains(check)).enumerate() {
        let out = path.join(format!("out-{at}"));
        fs::create_dir(&out).unwrap();
        let source = bad.write(&path.join(format!("image-{at}")));
        let run = build(&out, &source, &["--type", "qcow2"]);
        if let Some(own) = DECIDED.iter().position(|(decided, _)| *decided == check) {
            let words = numbers[own].next().unwrap();
            assert!(!run.stderr.contains(REFUSED), "{check}: {}", run.stderr);
            assert_eq!(run.code == Some(0), words.is_empty(), "{check} {words:?}: {}", run.stderr);
            assert!(run.stderr.contains(words), "{check}: no {words:?} in {}", run.stderr);
        } else {
            assert_eq!(run.code, Some(VALIDATION), "{check}: {}", run.stderr);
            assert!(run.stderr.contains(&format!("the image {REFUSED}: ")), "{check}: {}", run.stderr);
            assert!(run.stderr.contains(&format!("\n  {check}\n")), "{check}: {}", run.stderr);
            assert!(run.stderr.contains(&format!("\n    {place}: ")), "{check}: {}", run.stderr);
            assert_eq!(build(&out, &source, &["--dry-run"]).stderr, run.stderr, "{check}: a dry run says the same");
        }
        assert!(run.code == Some(0) || names(&out).is_empty(), "{check}: {:?}", names(&out));
    }
}

#[test]
fn a_refusal_has_check_reason_path_fix_and_the_ways_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let layer = Layer::new().directory("var/run/", 0o755).file(INITRAMFS, 0o644, &cpio(&[("init", "")]));
    let source = over(layer).write(&path.join("image"));
    let run = build(path, &source, &[]);
    assert_eq!(run.code, Some(VALIDATION));
    assert_eq!(
        run.stderr,
        format!(
            r#"error: the image would not make a working machine: 2 fatal findings
  var-run
    Programs that use /var/run mean /run, which is empty at every boot; a directory there keeps the sockets and process numbers of earlier boots
    /var/run: it is a directory, not a symbolic link
      fix: RUN rm -rf /var/run
  initramfs-prepare-root
    Nothing else makes a deployment the root: the machine stops in the initramfs
    /usr/lib/modules/6.12.1/initramfs.img: it has no ostree-prepare-root
      fix: RUN v=$(ls /usr/lib/modules) && dracut --force --no-hostonly --reproducible --add ostree --kver "$v" /usr/lib/modules/"$v"/initramfs.img

hint: for all that can be said of it: diskwright lint {source}; `--allow NAME` allows what a check finds, `--no-lint` builds without looking
"#
        )
    );
    assert_eq!((run.stdout.as_str(), names(path)), ("", vec!["image".to_owned()]));
}

#[test]
fn who_does_not_want_to_know_gets_a_disk_that_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = with_var_run().write(&path.join("image"));
    let told = "--no-lint: nobody looked whether a machine made from this image works";
    let run = build(path, &source, &["--no-lint", "-o", "disk.raw"]).succeeded();
    assert!(run.stderr.contains(&format!("warning: {told}\n")), "{}", run.stderr);
    assert!(run.stdout.contains(told), "{}", run.stdout);
    let record: Value = serde_json::from_slice(&fs::read(path.join("disk.raw.result.json")).unwrap()).unwrap();
    assert!(record["notes"].as_array().unwrap().iter().any(|note| note == told), "{record:#}");
    // Whoever makes the same disk again is told what differs, and nothing else.
    let verified = diskwright(path, ["verify", "disk.raw", "--source", &source, "-q"]).succeeded();
    assert_eq!(verified.stderr, "");
    assert_eq!(build(path, &source, &["--no-lint", "--allow", "var-run"]).code, Some(USAGE));
    let (plan, stderr) = plan(path, &Image::new(vec![good()]).write(&path.join("good")), &[]);
    assert_eq!(stderr, "");
    assert!(!plan["notes"].to_string().contains("lint"), "{plan:#}");
}

#[test]
fn what_is_allowed_is_no_reason_to_refuse_and_is_noted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = with_var_run().write(&path.join("image"));
    let allow = b"var-run  # from another time\n";
    let layer = Layer::new().directory("var/run/", 0o755).file("usr/lib/diskwright/lint.allow", 0o644, allow);
    let allowing = over(layer).write(&path.join("allowing"));
    for (source, arguments, by) in [
        (&source, &["--allow", "var-run"][..], "--allow"),
        (&allowing, &[], "/usr/lib/diskwright/lint.allow line 1: from another time"),
    ] {
        let (plan, stderr) = plan(path, source, arguments);
        let told = format!("lint: var-run: /var/run: it is a directory, not a symbolic link [allowed by {by}]");
        assert!(plan["notes"].as_array().unwrap().iter().any(|note| *note == told), "{plan:#}");
        assert_eq!(stderr, "");
    }
    assert_eq!(build(path, &source, &["--allow", "kernel-modules"]).code, Some(VALIDATION));
    let unknown = build(path, &source, &["--allow", "var-runs"]);
    assert_eq!(unknown.code, Some(USAGE));
    assert!(unknown.stderr.contains("the most similar one is `var-run`"), "{}", unknown.stderr);
}

#[test]
fn the_image_to_roll_back_to_is_looked_at_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let sound = Image::new(vec![good()]).write(&path.join("good"));
    let bad = with_var_run().write(&path.join("bad"));
    for (image, rollback, begins) in [
        (&sound, &bad, "error: the image to roll back to would not make a working machine: 1 fatal finding\n"),
        (&bad, &sound, "error: the image would not make a working machine: 1 fatal finding\n"),
    ] {
        let run = build(path, image, &["--rollback", rollback]);
        assert_eq!(run.code, Some(VALIDATION));
        assert!(run.stderr.starts_with(begins), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("diskwright lint {bad}; ")), "{}", run.stderr);
        assert_eq!(run.stderr.matches("\n  var-run\n").count(), 1, "{}", run.stderr);
    }
    let (plan, _) = plan(path, &sound, &["--rollback", &bad, "--allow", "var-run"]);
    assert!(plan["notes"].to_string().contains("lint: var-run: /var/run"), "{plan:#}");
}

#[test]
fn of_a_chunked_image_the_commit_with_the_later_layers_is_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let derived = Layer::new().attribute("user.large", &[b'x'; 5000]).file("etc/large", 0o644, b"");
    let (image, _) = chunked(path, good().directory("var/run/", 0o755), vec![derived]);
    let run = build(path, &image.write(&path.join("image")), &[]);
    assert_eq!(run.code, Some(VALIDATION));
    for words in
        ["2 fatal findings", "\n    /var/run: it is a directory", "\n    /etc/large: the attribute `user.large`"]
    {
        assert!(run.stderr.contains(words), "no {words:?} in {}", run.stderr);
    }
}
