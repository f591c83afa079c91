//! Labels on a whole disk, held against those of libselinux.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::{Image, system};
use diskwright_tests::image::real;
use diskwright_tests::judge::judge;

use crate::judges::{build, judge_disk};

/// Paths that one call of matchpathcon takes.
const AT_ONCE: usize = 1000;

/// Types: for `find`, and for matchpathcon.
const KINDS: [(&str, &str); 3] = [("f", "file"), ("d", "dir"), ("l", "lnk_file")];

/// A file of the disk.
struct Found {
    kind: &'static str,
    links: u64,
    /// Empty where it has none.
    label: String,
}

/// All files below `root` by their path in it.
fn files(root: &Path) -> BTreeMap<String, Found> {
    let mut files = BTreeMap::new();
    let root = root.to_str().unwrap();
    for (letter, kind) in KINDS {
        let paths = judge("find", [root, "-xdev", "-type", letter, "-printf", "%n /%P\n"]).passed().stdout;
        for line in paths.lines() {
            let (links, path) = line.split_once(' ').unwrap();
            files.insert(path.to_owned(), Found { kind, links: links.parse().unwrap(), label: String::new() });
        }
    }
    let arguments = ["-R", "-P", "-h", "-d", "-e", "hex", "-m", "^security.selinux$", "--absolute-names", root];
    let dump = judge("getfattr", arguments).passed().stdout;
    let mut path = String::new();
    for line in dump.lines() {
        if let Some(full) = line.strip_prefix("# file: ") {
            let below = full.strip_prefix(root).unwrap().replace("\\134", "\\");
            path = if below.is_empty() { "/".to_owned() } else { below };
        } else if let Some(digits) = line.strip_prefix("security.selinux=0x") {
            let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
            let label = String::from_utf8(bytes.collect()).unwrap();
            let label = label.strip_suffix('\0').expect("a label ends in a zero byte, or fsck fails under SELinux");
            files.get_mut(&path).unwrap_or_else(|| panic!("no {path}")).label = label.to_owned();
        }
    }
    files
}

/// As which path a file is labelled; `None` for those whose label comes from another of their names.
fn labelled_as(path: &str, found: &Found, deployment: &str) -> Option<String> {
    let of_deployment = path.strip_prefix(deployment);
    Some(match (path, of_deployment) {
        ("/ostree", _) | (_, Some("/.ostree.cfs")) => "/usr".to_owned(),
        (_, Some("")) => "/".to_owned(),
        _ if path.ends_with(".0/root-transient/upper") => "/".to_owned(),
        (_, Some("/proc")) => "/mnt".to_owned(),
        (_, Some(".origin")) => "/etc/ostree/remotes.d/dummy.conf".to_owned(),
        (_, Some(below)) => below.to_owned(),
        _ if path.ends_with(".file") || (found.kind != "dir" && found.links > 1) => return None,
        _ => path.strip_prefix("/ostree/deploy/default/var").map_or(path.to_owned(), |below| format!("/var{below}")),
    })
}

#[test]
fn every_file_of_a_real_disk_has_the_label_that_libselinux_gives_it() {
    let source = real("example-selinux");
    let directory = tempfile::tempdir().unwrap();
    let (disk, result) = build(directory.path(), &source, &[]);
    let mounted = judge_disk(directory.path(), &disk, &result["plan"]);
    let commit = result["plan"]["deployment"]["commit"].as_str().unwrap();
    let deployment = format!("/ostree/deploy/default/deploy/{commit}.0");

    // Only the texts: the compiled twins belong to another release of libselinux.
    let contexts = directory.path().join("contexts");
    fs::create_dir(&contexts).unwrap();
    let policy = mounted.at.join(&deployment[1..]).join("usr/etc/selinux/default/contexts/files");
    for name in ["", ".homedirs", ".local", ".subs", ".subs_dist"] {
        let name = format!("file_contexts{name}");
        if policy.join(&name).exists() {
            fs::copy(policy.join(&name), contexts.join(&name)).unwrap();
        }
    }
    let contexts = contexts.join("file_contexts");

    let files = files(&mounted.at);
    let mut compared = 0;
    for (_, kind) in KINDS {
        let asked: Vec<_> = files
            .iter()
            .filter(|(_, found)| found.kind == kind)
            .filter_map(|(path, found)| Some((path, found, labelled_as(path, found, &deployment)?)))
            .collect();
        for some in asked.chunks(AT_ONCE) {
            let mut arguments = vec!["-n", "-N", "-m", kind, "-f", contexts.to_str().unwrap()];
            arguments.extend(some.iter().map(|(.., as_path)| as_path.as_str()));
            let answers = judge("matchpathcon", arguments).passed().stdout;
            for ((path, found, as_path), answer) in some.iter().zip(answers.lines()) {
                let expected = if answer == "<<none>>" { "" } else { answer };
                assert_eq!(found.label, expected, "{path}, which is labelled as {as_path}");
                compared += 1;
            }
        }
    }
    assert!(compared > 10_000, "only {compared} labels compared");
    let default = files.values().filter(|found| found.label.is_empty()).count();
    assert!(default < 10, "{default} files have no label");
}

#[test]
fn a_policy_that_cannot_be_used_is_refused_with_file_and_line() {
    const CONFIG: &[u8] = b"SELINUX=enforcing\nSELINUXTYPE=targeted\n";
    const CONTEXTS: &str = "etc/selinux/targeted/contexts/files/file_contexts";
    for (contexts, said) in [
        (None, "file_contexts"),
        (Some("/.*\tsystem_u:object_r:default_t:s0\n/bad([\tsystem_u:object_r:etc_t:s0\n"), "line 2"),
        (Some("/.*\n"), "line 1"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut layer = system().file("etc/selinux/config", 0o644, CONFIG);
        if let Some(contexts) = contexts {
            layer = layer.file(CONTEXTS, 0o644, contexts.as_bytes());
        }
        let source = Image::new(vec![layer]).write(&directory.path().join("image"));
        let run = diskwright(directory.path(), ["build", &source, "--platform", "linux/amd64"]);
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert!(run.stderr.contains(said) && run.stderr.contains("etc/selinux/targeted"), "{}", run.stderr);
        assert!(!directory.path().join("disk.raw").exists());
        // Who does without labels does without a policy.
        let off = ["build", &source, "--platform", "linux/amd64", "--selinux", "off", "--json"];
        let run = diskwright(directory.path(), off).succeeded();
        let turned_off = run.stdout.contains("selinux=0");
        assert_eq!(turned_off, contexts.is_some(), "{}", run.stdout);
    }
}

#[test]
fn a_separate_boot_is_labelled_as_boot() {
    let directory = tempfile::tempdir().unwrap();
    let layer = system().file("etc/selinux/config", 0o644, b"SELINUX=enforcing\nSELINUXTYPE=t\n").file(
        "etc/selinux/t/contexts/files/file_contexts",
        0o644,
        b"/.*\ts:o:default_t\n/boot(/.*)?\ts:o:boot_t\n/boot/vmlinuz.*\t--\ts:o:kernel_t\n/lost\\+found\ts:o:lost_t\n",
    );
    let source = Image::new(vec![layer]).write(&directory.path().join("image"));
    let layout = diskwright_tests::command::checkout().join("templates/layout-x86_64-boot.toml");
    let (disk, _) = build(directory.path(), &source, &["--layout", layout.to_str().unwrap()]);
    let boot = diskwright_tests::partition::extract(&disk, "boot", directory.path());
    let _ = judge("e2fsck", ["-fn".as_ref(), boot.as_os_str()]).passed();
    let mounted = diskwright_tests::partition::Mounted::new(&boot, directory.path().join("mounted"));
    for (path, found) in files(&mounted.at) {
        let name = path.rsplit('/').next().unwrap();
        let expected = if name.starts_with("vmlinuz") { "s:o:kernel_t" } else { "s:o:boot_t" };
        assert_eq!(found.label, expected, "{path}");
    }
}
