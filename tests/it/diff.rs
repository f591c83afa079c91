//! What distinguishes two systems, held against what other tools see of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use diskwright_tests::chunked::chunked;
use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::{Blob, Image, Layer, system, tiny};
use diskwright_tests::image::real;
use diskwright_tests::judge::judge;
use diskwright_tests::partition::{extract, partitions};
use serde_json::Value;

use crate::judges::build;

/// The two compared, as JSON.
fn diff(directory: &Path, a: &str, b: &str) -> Value {
    let run = diskwright(directory, ["diff", a, b, "--platform", "linux/amd64", "--json", "-q"]).succeeded();
    serde_json::from_str(&run.stdout).unwrap()
}

fn text(directory: &Path, a: &str, b: &str, options: &[&str]) -> String {
    let mut arguments = vec!["diff", a, b, "--platform", "linux/amd64", "-q"];
    arguments.extend(options);
    diskwright(directory, arguments).succeeded().stdout
}

/// Paths in one of the lists of files.
fn paths(files: &Value, list: &str) -> BTreeSet<String> {
    let list = files[list].as_array().unwrap();
    list.iter().map(|entry| entry["path"].as_str().unwrap().to_owned()).collect()
}

/// What changed of each file, without contents' digests.
fn changes(files: &Value) -> BTreeMap<String, String> {
    let list = files["changed"].as_array().unwrap();
    let aspect = |aspect: &Value| match aspect["what"].as_str().unwrap() {
        "content" => "content".to_owned(),
        what => format!("{what} {} {}", aspect["before"].as_str().unwrap(), aspect["after"].as_str().unwrap()),
    };
    list.iter()
        .map(|change| {
            let aspects: Vec<_> = change["aspects"].as_array().unwrap().iter().map(aspect).collect();
            (change["path"].as_str().unwrap().to_owned(), aspects.join(", "))
        })
        .collect()
}

fn unpack(source: &str, to: PathBuf) -> PathBuf {
    let image = source.strip_prefix("oci:").unwrap();
    let _ = judge("umoci", ["unpack", "--image", image, to.to_str().unwrap()]).passed();
    to.join("rootfs")
}

/// One line a path below `root`, as `find` sees it: type, mode, owner, link target.
fn found(root: &Path) -> BTreeMap<String, String> {
    let format = "%P\\t%y %m %U:%G %l\\n";
    let listing = judge("find", [root.as_os_str(), "-printf".as_ref(), format.as_ref()]).passed().stdout;
    let lines = listing.lines().filter_map(|line| line.split_once('\t'));
    lines.filter(|(path, _)| !path.is_empty()).map(|(path, rest)| (format!("/{path}"), rest.to_owned())).collect()
}

/// Two images that differ in every way that is told apart.
fn two_images(directory: &Path) -> (String, String) {
    let same = || Blob::gzip(system());
    let a = Layer::new()
        .directory("usr/share/", 0o755)
        .file("usr/share/content", 0o644, b"one")
        .file("usr/share/mode", 0o644, b"mode")
        .symlink("usr/share/link", "one")
        .file("usr/share/becomes-link", 0o644, b"x")
        .directory("usr/share/gone/", 0o755)
        .file("usr/share/gone/file", 0o644, b"gone")
        .attribute("user.kind", b"a")
        .file("usr/share/labelled", 0o644, b"label")
        .file("usr/lib/os-release", 0o644, b"ID=tiny\nPRETTY_NAME=\"Tiny Linux 1\"\nVERSION_ID=1\n");
    let b = Layer::new()
        .directory("usr/share/", 0o700)
        .file("usr/share/content", 0o644, b"another one")
        .file("usr/share/mode", 0o600, b"mode")
        .symlink("usr/share/link", "two")
        .symlink("usr/share/becomes-link", "content")
        .directory("usr/share/new/", 0o755)
        .file("usr/share/new/file", 0o644, &[7; 5000])
        .file("usr/share/new/moved", 0o644, b"gone")
        .attribute("user.kind", b"b")
        .file("usr/share/labelled", 0o644, b"label")
        .file("usr/lib/os-release", 0o644, b"ID=tiny\nPRETTY_NAME=\"Tiny Linux 2\"\nVERSION_ID=2\n")
        .file("usr/lib/bootc/kargs.d/1.toml", 0o644, b"kargs = ['quiet']\n");
    let a = Image::of(vec![same(), Blob::gzip(a)]).write(&directory.join("a"));
    let b = Image::of(vec![same(), Blob::gzip(b)]).write(&directory.join("b"));
    (a, b)
}

#[test]
fn every_difference_of_two_images_is_told_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = two_images(directory.path());
    let difference = diff(directory.path(), &a, &b);
    let files = &difference["files"];
    let expected = [
        ("/usr/lib/os-release", "content"),
        ("/usr/share", "mode 0755 0700"),
        ("/usr/share/becomes-link", "type regular file symbolic link"),
        ("/usr/share/content", "content"),
        ("/usr/share/labelled", "xattr user.kind 61 62"),
        ("/usr/share/link", "target one two"),
        ("/usr/share/mode", "mode 0644 0600"),
    ];
    assert_eq!(changes(files), expected.map(|(path, what)| (path.to_owned(), what.to_owned())).into());

    // The same by `find` and `diff`, on trees that umoci unpacked.
    let (one, other) = (unpack(&a, directory.path().join("ua")), unpack(&b, directory.path().join("ub")));
    let (in_a, in_b) = (found(&one), found(&other));
    let only = |this: &BTreeMap<String, String>, that: &BTreeMap<String, String>| -> BTreeSet<String> {
        this.keys().filter(|path| !that.contains_key(*path)).cloned().collect()
    };
    assert_eq!(paths(files, "added"), only(&in_b, &in_a));
    assert_eq!(paths(files, "removed"), only(&in_a, &in_b));
    let listing = judge("diff", ["-rq".as_ref(), "--no-dereference".as_ref(), one.as_os_str(), other.as_os_str()]);
    let differ: BTreeSet<String> = listing
        .stdout
        .lines()
        .filter(|line| line.starts_with("Files "))
        .filter_map(|line| line.split_ascii_whitespace().nth(1)?.strip_prefix(one.to_str()?).map(str::to_owned))
        .collect();
    let mut changed: BTreeSet<String> = in_a
        .iter()
        .filter(|(path, what)| in_b.get(*path).is_some_and(|other| other != *what))
        .map(|(path, _)| path.clone())
        .collect();
    changed.extend(differ);
    // Neither of the two looks at extended attributes.
    changed.insert("/usr/share/labelled".to_owned());
    assert_eq!(paths(files, "changed"), changed);

    assert_eq!(difference["different"], true);
    assert_eq!(difference["boot"]["arguments"]["added"], serde_json::json!(["quiet"]));
    assert_eq!(difference["os_release"].as_array().unwrap().len(), 2);
    for words in ["~ VERSION_ID 1 -> 2", "+ argument quiet", "~ /usr/share/link: target one -> two"] {
        let text = text(directory.path(), &a, &b, &[]);
        assert!(text.contains(words), "no `{words}` in:\n{text}");
    }
}

#[test]
fn an_update_costs_the_layers_and_the_contents_that_are_new() {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = two_images(directory.path());
    let cost = &diff(directory.path(), &a, &b)["cost"];
    // One of two layers is new; its size is that of its blob.
    let moved = cost["layers"]["moved"].as_array().unwrap();
    let [layer] = &moved[..] else { panic!("{moved:?}") };
    let digest = layer["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    let blob = fs::metadata(directory.path().join("b/blobs/sha256").join(digest)).unwrap().len();
    assert_eq!((layer["bytes"].as_u64(), cost["layers"]["bytes"].as_u64()), (Some(blob), Some(blob)));
    assert_eq!((&layer["number"], &cost["layers"]["layers"]), (&Value::from(2), &Value::from(2)));
    // A content that A has under another name is not moved; one with another mode or label is, in ostree's eyes.
    let objects = &cost["objects"];
    let expected =
        ["/usr/share/new/file", "/usr/lib/os-release", "/usr/lib/bootc/kargs.d/1.toml", "/usr/share/content"];
    let list: Vec<_> = objects["moved"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(list, expected);
    let bytes = 5000 + 48 + 18 + 11;
    assert_eq!(objects["bytes"], bytes);
    assert_eq!(objects["directories"][0]["path"], "/usr/share/new");
    assert_eq!((&objects["relabelled"], &objects["relabelled_bytes"]), (&Value::from(2), &Value::from(9)));
    // Nothing is moved to where it is.
    let none = &diff(directory.path(), &a, &a)["cost"];
    assert_eq!((&none["layers"]["bytes"], &none["objects"]["bytes"]), (&Value::from(0), &Value::from(0)));
}

#[test]
fn the_exit_code_tells_of_differences_only_if_it_is_asked_to() {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = two_images(directory.path());
    for (a, b, options, code) in [
        (&a, &a, &[][..], 0),
        (&a, &b, &[], 0),
        (&a, &a, &["--exit-code"], 0),
        (&a, &b, &["--exit-code"], 8),
        (&a, &b, &["--exit-code", "--json"], 8),
    ] {
        let mut arguments = vec!["diff", a, b, "--platform", "linux/amd64", "-q"];
        arguments.extend(options);
        let run = diskwright(directory.path(), arguments);
        assert_eq!(run.code, Some(code), "{options:?}: {}{}", run.stdout, run.stderr);
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn packages_are_those_that_dpkg_lists() {
    let directory = tempfile::tempdir().unwrap();
    let status = |packages: &[(&str, &str)]| -> String {
        let one = |(name, version): &(&str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: x\nVersion: {version}\nDescription: x\n\n"
            )
        };
        packages.iter().map(one).collect()
    };
    let lists = [
        [("bash", "5.2-1"), ("gone", "1"), ("same", "1:2~rc1")],
        [("bash", "5.3-1"), ("new", "2"), ("same", "1:2~rc1")],
    ];
    let mut sources = Vec::new();
    let mut listed = Vec::new();
    for (name, list) in ["a", "b"].into_iter().zip(&lists) {
        let status = status(list);
        let layer = system().file("usr/lib/sysimage/dpkg/status", 0o644, status.as_bytes());
        sources.push(Image::new(vec![layer]).write(&directory.path().join(name)));
        let admin = directory.path().join(format!("{name}-dpkg"));
        fs::create_dir_all(admin.join("info")).unwrap();
        fs::write(admin.join("status"), status).unwrap();
        let admin = format!("--admindir={}", admin.display());
        let lines = judge("dpkg-query", [&admin, "-W", "-f=${Package} ${Version}\n"]).passed().stdout;
        listed.push(lines.lines().map(str::to_owned).collect::<BTreeSet<_>>());
    }
    let packages = &diff(directory.path(), &sources[0], &sources[1])["packages"];
    let words = |list: &str, version: &str| -> BTreeSet<String> {
        let list = packages[list].as_array().unwrap().iter();
        list.map(|package| format!("{} {}", package["name"].as_str().unwrap(), package[version].as_str().unwrap()))
            .collect()
    };
    let gone: BTreeSet<_> = words("removed", "version").into_iter().chain(words("changed", "before")).collect();
    let came: BTreeSet<_> = words("added", "version").into_iter().chain(words("changed", "after")).collect();
    assert_eq!(gone, listed[0].difference(&listed[1]).cloned().collect());
    assert_eq!(came, listed[1].difference(&listed[0]).cloned().collect());
    assert_eq!(words("changed", "after"), ["bash 5.3-1".to_owned()].into());
    let text = text(directory.path(), &sources[0], &sources[1], &[]);
    assert!(text.contains("~ bash:amd64 5.2-1 -> 5.3-1"), "{text}");
}

#[test]
fn an_image_and_its_disk_are_the_same_in_every_format() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    for format in ["raw", "qcow2", "vmdk", "vhd"] {
        let disk = directory.path().join(format!("disk.{format}"));
        let disk = disk.to_str().unwrap();
        let arguments =
            ["build", &source, "--platform", "linux/amd64", "--type", format, "-o", disk, "--no-bundle", "-q"];
        let _ = diskwright(directory.path(), arguments).succeeded();
        for (a, b) in [(source.as_str(), disk), (disk, &source)] {
            let difference = diff(directory.path(), a, b);
            assert_eq!(difference["different"], false, "{difference:#}");
            let notes = difference["notes"].to_string();
            assert!(notes.contains("extended attributes and device numbers are not compared"), "{notes}");
        }
        let as_disk = format!("disk:{disk}");
        let raw = directory.path().join("disk.raw");
        assert_eq!(diff(directory.path(), raw.to_str().unwrap(), &as_disk)["different"], false, "{format}");
    }
}

#[test]
fn the_real_image_and_its_disk_are_the_same() {
    let source = real("example");
    let directory = tempfile::tempdir().unwrap();
    let (disk, _) = build(directory.path(), &source, &[]);
    let difference = diff(directory.path(), &source, disk.to_str().unwrap());
    assert_eq!(difference["different"], false, "{difference:#}");
    assert!(difference["b"]["entries"].as_u64().unwrap() > 10_000);
    let packages = difference["packages"]["after"].as_u64().unwrap();
    assert!(packages > 100 && difference["packages"]["before"] == packages);
}

#[test]
fn two_disks_differ_in_what_other_tools_see_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = two_images(directory.path());
    let layout = diskwright_tests::command::checkout().join("templates/layout-x86_64-boot.toml");
    let mut disks = Vec::new();
    for (name, source, options) in [
        ("one", &a, &["--root-size", "2G"][..]),
        ("two", &b, &["--layout", layout.to_str().unwrap(), "--karg", "mine=1"]),
    ] {
        let below = directory.path().join(name);
        fs::create_dir(&below).unwrap();
        disks.push(build(&below, source, options).0);
    }
    let difference = diff(directory.path(), disks[0].to_str().unwrap(), disks[1].to_str().unwrap());
    assert_eq!(difference["different"], true);

    // Partitions by sgdisk and sfdisk.
    let tables: Vec<_> = disks.iter().map(|disk| partitions(disk)).collect();
    for change in difference["partitions"].as_array().unwrap() {
        let number = change["number"].as_u64().unwrap();
        for (side, (disk, table)) in ["before", "after"].into_iter().zip(disks.iter().zip(&tables)) {
            let facts = &change[side];
            let Some(seen) = table.get(usize::try_from(number).unwrap() - 1) else {
                assert!(facts.is_null(), "{change:#}");
                continue;
            };
            assert_eq!(
                (&facts["name"], &facts["type_guid"]),
                (&seen.name.as_str().into(), &seen.type_guid.as_str().into())
            );
            assert_eq!((&facts["offset"], &facts["size"]), (&seen.offset.into(), &seen.size.into()));
            let listing = judge("sgdisk", ["-i", &number.to_string(), disk.to_str().unwrap()]).passed().stdout;
            let guid = facts["guid"].as_str().unwrap().to_uppercase();
            assert!(listing.contains(&format!("unique GUID: {guid}")), "{listing}");
        }
    }
    assert_eq!(difference["partitions"].as_array().unwrap().len(), 3, "{:#}", difference["partitions"]);

    // The entry by debugfs, on the root of one disk and the boot partition of the other.
    let entries = difference["boot"]["entries"].as_array().unwrap();
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    for (index, (partition, path)) in
        [("root", "/boot/loader/entries/ostree-1.conf"), ("boot", "/loader/entries/ostree-1.conf")]
            .into_iter()
            .enumerate()
    {
        let below = directory.path().join(["one", "two"][index]);
        let image = extract(&disks[index], partition, &below);
        let request = format!("cat {path}");
        let seen = judge("debugfs", ["-R".as_ref(), request.as_ref(), image.as_os_str()]).passed().stdout;
        let options = seen.lines().find_map(|line| line.strip_prefix("options ")).unwrap();
        let list = ["removed", "added"][index];
        for argument in entry["arguments"][list].as_array().unwrap() {
            assert!(options.split(' ').any(|option| option == argument), "{argument} is not in {options}");
        }
    }
    let added = entry["arguments"]["added"].to_string();
    assert!(added.contains("\"mine=1\"") && added.contains("\"quiet\"") && added.contains("\"boot=UUID="), "{added}");

    // The files are those of the images, but for what is not read from disks, and for what the build adds to /etc.
    let images = diff(directory.path(), &a, &b);
    let mut expected = changes(&images["files"]);
    expected.remove("/usr/share/labelled");
    assert_eq!(changes(&difference["files"]), expected);
    let mut added = paths(&difference["files"], "added");
    assert!(added.remove("/etc/fstab"), "{added:?}");
    assert_eq!(added, paths(&images["files"], "added"));
    assert_eq!(paths(&difference["files"], "removed"), paths(&images["files"], "removed"));
    assert_eq!(difference["same_composefs"], false);
    // What the build adds to /etc is told of beside the image, too.
    let notes = diff(directory.path(), &b, disks[1].to_str().unwrap())["notes"].to_string();
    assert!(notes.contains("/etc/fstab"), "{notes}");
}

#[test]
fn the_default_of_several_deployments_is_compared() {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = two_images(directory.path());
    let (disk, result) = build(directory.path(), &b, &["--rollback", &a]);
    let difference = diff(directory.path(), &b, disk.to_str().unwrap());
    assert_eq!(difference["files"]["changed"], serde_json::json!([]));
    let commit = result["plan"]["deployment"]["commit"].as_str().unwrap();
    assert!(difference["b"]["deployment"].as_str().unwrap().contains(commit), "{difference:#}");
    assert!(difference["notes"].to_string().contains("of the 2 deployments"), "{difference:#}");
}

#[test]
fn a_chunked_image_and_its_disk_are_the_same() {
    let derived = || Layer::new().file("etc/more", 0o644, b"more\n").file("usr/bin/.wh.tool-too", 0o644, b"");
    for derived in [vec![], vec![derived()]] {
        let directory = tempfile::tempdir().unwrap();
        let (image, _) = chunked(directory.path(), system(), derived);
        let source = image.write(&directory.path().join("image"));
        let (disk, _) = build(directory.path(), &source, &[]);
        let difference = diff(directory.path(), &source, disk.to_str().unwrap());
        assert_eq!(difference["files"]["tallies"], serde_json::json!({}), "{difference:#}");
        // Names that say something, and not those of objects.
        let empty = Image::new(vec![Layer::new().file("none", 0o644, b"")]).write(&directory.path().join("empty"));
        let moved = &diff(directory.path(), &empty, &source)["cost"]["objects"]["moved"];
        let list = moved.as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap());
        let named: Vec<_> = list.filter(|path| !path.starts_with("/sysroot/")).collect();
        assert!(named.contains(&"/usr/bin/tool") && named.contains(&"/usr/lib/os-release"), "{named:?}");
    }
}

#[test]
fn copies_of_boot_entries_on_the_esp_are_compared() {
    let directory = tempfile::tempdir().unwrap();
    let loader = "usr/lib/systemd/boot/efi/systemd-bootx64.efi";
    let layer = system().file(loader, 0o644, b"MZ fake systemd-boot");
    let source = Image::new(vec![layer]).write(&directory.path().join("image"));
    let mut disks = Vec::new();
    for (name, options) in [("one", &[][..]), ("two", &["--karg", "mine=1"])] {
        let below = directory.path().join(name);
        fs::create_dir(&below).unwrap();
        let options: Vec<&str> = ["--bootloader", "systemd"].iter().chain(options).copied().collect();
        disks.push(build(&below, &source, &options).0);
    }
    let difference = diff(directory.path(), disks[0].to_str().unwrap(), disks[1].to_str().unwrap());
    let entries = difference["boot"]["entries"].as_array().unwrap();
    let places: BTreeSet<_> = entries.iter().map(|entry| entry["place"].as_str().unwrap()).collect();
    assert_eq!(places, ["/boot/loader/entries", "ESP /loader/entries"].into());
    let added = entries.iter().filter(|entry| entry["arguments"]["added"].to_string().contains("mine=1")).count();
    assert_eq!(added, 2, "{entries:#?}");
    // The files of the ESP by mdir.
    let esp = extract(&disks[1], "EFI-SYSTEM", directory.path());
    let listing =
        judge("mdir", ["-/".as_ref(), "-b".as_ref(), "-i".as_ref(), esp.as_os_str(), "::/".as_ref()]).passed();
    for path in paths(&difference["esp"], "changed") {
        assert!(listing.stdout.lines().any(|line| line == format!("::{path}")), "{path} is not in {}", listing.stdout);
    }
    assert_eq!(difference["esp"]["tallies"]["content"]["files"], 1, "{:#}", difference["esp"]);
    assert!(difference["files"]["changed"].as_array().unwrap().is_empty());
}

#[test]
fn a_side_that_cannot_be_read_is_one_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let (disk, _) = build(directory.path(), &source, &[]);
    let table = partitions(&disk);
    let (esp, root) = (table[0].offset, table[1].offset);
    type Damage<'a> = &'a dyn Fn(&fs::File);
    let at = |offset: u64, bytes: &'static [u8]| move |file: &fs::File| file.write_all_at(bytes, offset).unwrap();
    let whole = fs::metadata(&disk).unwrap().len();
    let cases: [(&str, Damage<'_>, i32, &[&str]); 8] = [
        (
            "no table",
            &|file| file.set_len(0).and_then(|()| file.set_len(1 << 20)).unwrap(),
            3,
            &["no GUID partition table"],
        ),
        ("entries", &at(1024 + 56, b"\xff"), 3, &["partition table is damaged"]),
        ("entry count", &at(512 + 80, b"\xff\xff\xff\xff"), 3, &["claims 4294967295 entries"]),
        ("cut", &|file| file.set_len(whole / 2 / 512 * 512).unwrap(), 3, &["goes from sector", "and the disk has"]),
        ("esp", &at(esp + 13, b"\x03"), 3, &["partition 1", "sectors in a cluster is 3", "fsck.fat -n"]),
        (
            "superblock",
            &at(root + 1024 + 4, b"\xff\xff\xff\x7f"),
            3,
            &["partition 2", "superblock claims", "e2fsck -fn"],
        ),
        ("descriptors", &at(root + 4096, b"\xff\xff\xff\xff"), 3, &["partition 2", "corrupt filesystem"]),
        ("no system", &at(root + 1024 + 0x38, b"\0\0"), 5, &["none of its 2 partitions"]),
    ];
    for (what, damage, code, words) in cases {
        let damaged = directory.path().join("damaged.raw");
        let _ = judge("cp", ["--sparse=always".as_ref(), disk.as_os_str(), damaged.as_os_str()]).passed();
        damage(&fs::OpenOptions::new().write(true).open(&damaged).unwrap());
        let run = diskwright(directory.path(), ["diff", "damaged.raw", &source, "--platform", "linux/amd64"]);
        assert_eq!(run.code, Some(code), "{what}: {}", run.stderr);
        assert_eq!(run.stderr.matches("error: ").count(), 1, "{what}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked") && run.stdout.is_empty(), "{what}: {}", run.stderr);
        for word in words.iter().chain(&["damaged.raw"]) {
            assert!(run.stderr.contains(word), "{what}: no `{word}` in:\n{}", run.stderr);
        }
    }
    for (a, code, words) in [
        ("nowhere", 2, "is no file, and begins with none of oci:, oci-archive: and disk:"),
        ("disk:nowhere", 7, "nowhere"),
        ("oci:nowhere", 3, "nowhere"),
    ] {
        let run = diskwright(directory.path(), ["diff", a, &source]);
        assert_eq!(run.code, Some(code), "{a}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{a}: {}", run.stderr);
    }
}
