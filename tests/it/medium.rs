//! Installer media, judged by tools that nobody here wrote, and changed when they are made already.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use diskwright_tests::command::{checkout, diskwright, names, target};
use diskwright_tests::fixture::{Image, Layer, system, tiny};
use diskwright_tests::image::real;
use diskwright_tests::judge::{judge, shell};
use serde_json::{Value, json};

use crate::bundle::judge_result;

const IMGREF: &str = "registry.example/os:1";

/// A medium of the mini image as it comes, made once, with the disk that it holds in `disk.raw` beside it.
fn medium(directory: &Path) -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        // What a static holds is never dropped, so that it has a place of its own.
        let made = target().join("media/mini");
        fs::create_dir_all(&made).unwrap();
        let _ = build(&made, &[]);
        made
    });
    for name in ["install.iso", "disk.raw"] {
        let _ = shell(directory, &format!("cp --sparse=always {} .", made.join(name).display()));
    }
    directory.join("install.iso")
}

/// A medium of the mini image, with the disk that it holds in `disk.raw` beside it.
fn build(directory: &Path, arguments: &[&str]) -> PathBuf {
    let source = real("mini");
    let mut all = vec!["build", &source, "--type", "iso", "--type", "raw", "--target-imgref", IMGREF, "-o", ".", "-q"];
    all.extend(arguments);
    let _ = diskwright(directory, all).succeeded();
    directory.join("install.iso")
}

fn show(directory: &Path, arguments: &[&str]) -> Value {
    let mut all = vec!["iso", "show", "install.iso", "--json"];
    all.extend(arguments);
    serde_json::from_str(&diskwright(directory, all).succeeded().stdout).unwrap()
}

/// What the tools of others say of the checksum.
fn checkisomd5(directory: &Path) -> bool {
    shell(directory, "checkisomd5 install.iso </dev/null 2>&1 || true").contains("PASS")
}

#[test]
fn a_medium_is_what_every_judge_takes_for_one_and_holds_the_very_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let iso = build(path, &["--publisher", "EXAMPLE", "--title", "Example \"1\"", "--volume-id", "EXAMPLE_1"]);
    let iso = iso.to_str().unwrap();

    let table = judge("sgdisk", ["-v", iso]).passed();
    assert!(table.stdout.contains("No problems found"), "{}", table.stdout);
    let boot = judge("xorriso", ["-indev", iso, "-report_el_torito", "plain", "-report_system_area", "plain"]).passed();
    for words in ["UEFI  y   none", "GPT partname local :   2  EFI-SYSTEM"] {
        assert!(boot.stdout.contains(words), "no {words} in {}", boot.stdout);
    }
    let volume = judge("isoinfo", ["-d", "-i", iso]).passed();
    let shown = show(path, &["--check"]);
    let id = shown["id"].as_str().unwrap().replace('-', "").to_uppercase();
    for words in ["Volume id: EXAMPLE_1", "Publisher id: EXAMPLE", &format!("Volume set id: {id}"), "Joliet"] {
        assert!(volume.stdout.contains(words), "no {words} in {}", volume.stdout);
    }
    assert!(checkisomd5(path));
    let check = diskwright(path, ["check", "install.iso", "--deep"]).succeeded();
    assert!(check.stdout.contains("\nsound: ") && check.stdout.contains("as a USB stick"), "{}", check.stdout);
    assert_eq!(shown["intact"], true);
    assert_eq!(shown["tracks"], IMGREF);

    // The files by another reader, the payload by another one.
    fs::create_dir(path.join("files")).unwrap();
    let _ = judge("bsdtar", ["-x", "-f", iso, "-C", path.join("files").to_str().unwrap()]).passed();
    let listed = shell(path, "cd files && find . -type f | sort | sed 's/[0-9A-F]\\{32\\}/ID/'");
    let expected = "./EFI/debian/grub.cfg\n./boot/grub/grub.cfg\n./diskwright/ID\n./diskwright/answers.toml\n\
                    ./diskwright/blocks\n./diskwright/built/answers.toml\n./diskwright/built/menu.cfg\n\
                    ./diskwright/medium.json\n./diskwright/menu.cfg\n./diskwright/payload.sqfs\n\
                    ./images/pxeboot/diskwright.img\n./images/pxeboot/initrd.img\n./images/pxeboot/vmlinuz\n";
    assert_eq!(listed, expected);
    let _ = shell(path, "unsquashfs -q -n -d payload files/diskwright/payload.sqfs && cmp payload/disk.raw disk.raw");
    // Each hash is of its block, and where there is none the disk has zeros.
    let script = "import hashlib, json, sys
size = json.load(open('files/diskwright/medium.json'))['payload']['block_size']
disk = open('disk.raw', 'rb').read()
known = dict(line.split() for line in open('files/diskwright/blocks'))
for start in range(0, len(disk), size):
    block, said = disk[start:start + size], known.pop('%016x' % start, None)
    assert said is None and not any(block) or said == hashlib.sha256(block).hexdigest(), start
assert not known, known";
    fs::write(path.join("judge.py"), script).unwrap();
    let _ = shell(path, "python3 judge.py");

    // The ESP, at the place where firmware is told that it is.
    let esp = shell(path, &format!("sgdisk -i 2 {iso}"));
    let sector = |name: &str| -> u64 {
        let line = esp.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(2).unwrap().parse().unwrap()
    };
    let (first, last) = (sector("First sector"), sector("Last sector"));
    let count = last - first + 1;
    let _ = shell(path, &format!("dd if={iso} of=esp.img bs=512 skip={first} count={count} status=none"));
    let _ = judge("fsck.fat", ["-n", path.join("esp.img").to_str().unwrap()]).passed();
    let _ = shell(path, "mcopy -i esp.img ::EFI/debian/grub.cfg stub && cmp stub files/EFI/debian/grub.cfg");
    let listing = judge("mdir", ["-/", "-b", "-i", path.join("esp.img").to_str().unwrap(), "::/"]).passed();
    for file in ["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi", "EFI/BOOT/mmx64.efi"] {
        assert!(listing.stdout.lines().any(|line| line == format!("::/{file}")), "no {file} in {}", listing.stdout);
    }
    let _ = judge("grub-script-check", [path.join("files/boot/grub/grub.cfg")]).passed();
    let _ = judge("grub-script-check", [path.join("files/diskwright/menu.cfg")]).passed();
}

#[test]
fn a_dry_run_tells_what_a_medium_will_be_and_what_its_kernel_lacks() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let plan = |image: &str, types: &[&str]| -> Value {
        let source = real(image);
        let mut all = vec!["build", &source, "--json", "-q", "--no-bundle"];
        all.extend(types);
        serde_json::from_str(&diskwright(directory.path(), all).succeeded().stdout).unwrap()
    };
    for (image, times) in [("mini", 1), ("example", 0)] {
        let planned = plan(image, &["--type", "iso", "--dry-run"]);
        let notes = planned["notes"].to_string();
        assert_eq!(notes.matches("over HTTP, since the kernel has no module nfit").count(), times, "{image}: {notes}");
        assert_eq!(notes.matches("over HTTP").count(), times, "{image}: {notes}");
    }
    for medium in ["iso", "pxe"] {
        let planned = plan("mini", &["--type", medium, "--dry-run"]);
        assert_eq!(names(directory.path()), [""; 0], "a dry run wrote something");
        let result = plan("mini", &["--type", medium]);
        assert_eq!(result["plan"], planned, "the build did not do what the dry run said");
        for name in names(directory.path()) {
            fs::remove_file(directory.path().join(name)).unwrap();
        }
    }
}

#[test]
fn the_record_of_a_medium_is_what_its_schema_says_and_tells_what_was_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = real("mini");
    fs::write(path.join("answers.toml"), "system.hostname = \"web1\"\n").unwrap();
    let arguments =
        ["--type", "iso", "-o", "install.iso", "--title", "It's mine", "--answers", "answers.toml", "--json"];
    let all = ["build", &source, "--target-imgref", IMGREF, "-q"].into_iter().chain(arguments);
    let made: Value = serde_json::from_str(&diskwright(path, all).succeeded().stdout).unwrap();
    let endings = ["", ".SHA256SUMS", ".provenance.intoto.json", ".result.json", ".sbom.spdx.json"];
    let mut expected = endings.map(|ending| format!("install.iso{ending}")).to_vec();
    expected.insert(0, "answers.toml".to_owned());
    assert_eq!(names(path), expected);
    let file = path.join("install.iso.result.json");
    judge_result(&file);
    assert_eq!(shell(path, "sha256sum -c --strict install.iso.SHA256SUMS | wc -l"), "4\n");

    let record: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let manifest = shell(path, "bsdtar -x -O -f install.iso diskwright/medium.json");
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let sum = shell(path, "sha256sum install.iso | cut -c 1-64 | tr -d '\\n'");
    let length = fs::metadata(path.join("install.iso")).unwrap().len();
    let size = &manifest["disk"]["size"];
    let artefact = json!({"name": "install.iso", "format": "iso", "size": length, "virtual_size": size, "sha256": sum});
    assert_eq!(record["artefacts"], json!([artefact]));
    assert_eq!(record["formats"]["types"], json!(["iso"]));
    assert_eq!(record["formats"]["medium"]["title"], "It's mine");
    assert_eq!(record["formats"]["medium"]["answers"], "system.hostname = \"web1\"\n");
    for key in ["size", "guid"] {
        assert_eq!(record["disk"][key], manifest["disk"][key], "{key}");
    }
    // The notes are those that the user saw, the medium's among them; the bill of materials may have one of its own.
    let notes = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|note| note.as_str().unwrap().to_owned()).collect()
    };
    let (told, kept) = (notes(&made["plan"]["notes"]), notes(&record["notes"]));
    assert!(told.iter().any(|note| note.starts_with("an ISO boots ")), "{told:#?}");
    assert_eq!(kept[..told.len()], told);
    // What the schema does not know is refused: without that it would judge nothing.
    let mut wrong = record.clone();
    wrong["formats"]["medium"]["unknown"] = json!(1);
    fs::write(&file, wrong.to_string()).unwrap();
    let schema = checkout().join("templates/result.schema.json");
    let script = "import json, sys, jsonschema as j
j.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open(sys.argv[2])))";
    let refused = judge("python3", ["-c".as_ref(), script.as_ref(), schema.as_os_str(), file.as_os_str()]);
    assert!(!refused.passed && refused.stderr.contains("'unknown' was unexpected"), "{}", refused.stderr);
}

#[test]
fn the_installer_s_archive_has_what_the_kernel_s_own_tools_say_that_its_modules_need() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let _ = medium(path);
    let _ = diskwright(path, ["iso", "extract", "install.iso", "installer"]).succeeded();
    // The kernel passes over the zeros in front; so must whoever unpacks it with cpio.
    let script = "tail -c +5 diskwright.img > packed
case $(od -An -tx1 -N2 packed | tr -d ' ') in 28b5) zstd -dqc packed;; 1f8b) gzip -dc packed;; esac > archive
mkdir archive.d && cd archive.d && cpio -idm --quiet < ../archive && find . -type f | sort";
    let listed = shell(path, script);
    for name in
        ["install", "modules.dep", "modules.alias", "modules.load", "modules/squashfs.ko", "modules/dm_snapshot.ko"]
    {
        assert!(listed.contains(&format!("./diskwright/{name}\n")), "no {name} in {listed}");
    }
    // Every dependency that modinfo finds in a module is in the archive, and is named before it is needed.
    let script = "cd archive.d/diskwright
for module in modules/*.ko; do
  name=$(basename $module .ko)
  line=$(grep \"^$name:\" modules.dep) || { echo $name has no line; exit 1; }
  for needed in $(modinfo -F depends $module | tr ',-' ' _'); do
    case \" ${line#*:} \" in *\" $needed \"*) ;; *) [ -e modules/$needed.ko ] && { echo $name lacks $needed; exit 1; };; esac
  done
done
# Dependencies stand in the order in which they can be loaded.
awk '{ for (i = 2; i <= NF; i++) if (!($i in seen)) seen[$i] = 1 } END { for (name in seen) print name }' modules.dep |
  while read name; do [ -e modules/$name.ko ] || { echo $name is no file; exit 1; }; done
echo sound";
    assert_eq!(shell(path, script), "sound\n");
}

#[test]
fn the_same_image_and_choices_give_the_same_medium_and_others_another() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut media = Vec::new();
    for (name, arguments) in [("a", None), ("b", Some(&[][..])), ("c", Some(&["--title", "Other"]))] {
        let at = path.join(name);
        fs::create_dir(&at).unwrap();
        let iso = arguments.map_or_else(|| medium(&at), |arguments| build(&at, arguments));
        media.push((fs::read(iso).unwrap(), show(&at, &[])["id"].clone()));
    }
    assert!(media[0] == media[1]);
    assert_ne!(media[0].1, media[2].1, "media that differ are told apart");
    // The record has the choices, so that the medium can be made again and compared.
    let source = real("mini");
    for (name, byte) in [("b", None), ("c", None), ("c", Some(50 << 20))] {
        let file = path.join(name).join("install.iso");
        if let Some(byte) = byte {
            let disk = fs::OpenOptions::new().read(true).write(true).open(&file).unwrap();
            let mut old = [0];
            disk.read_exact_at(&mut old, byte).unwrap();
            disk.write_all_at(&[!old[0]], byte).unwrap();
        }
        let run = diskwright(path, ["verify", file.to_str().unwrap(), "--source", &source, "-q"]);
        match byte {
            None => assert!(run.succeeded().stdout.contains("identical")),
            Some(byte) => {
                assert_eq!(run.code, Some(8), "{}", run.stderr);
                assert!(run.stdout.contains(&format!("first at   byte {byte} of the iso file")), "{}", run.stdout);
            }
        }
    }
}

#[test]
fn answers_and_menu_are_changed_in_place_and_back_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let iso = medium(path);
    let before = fs::read(&iso).unwrap();
    fs::write(path.join("answers.toml"), "destructive = true\n[drive]\nserial = \"TARGET\"\n").unwrap();
    for (arguments, installs, default) in [
        (&["--title", "It's mine; $x"][..], "Asks which drive", "live"),
        (&["--answers", "answers.toml"], "Erases the only drive that has a serial number like `TARGET`", "install"),
        (&["--medium-karg", "console=ttyS1", "--menu-timeout", "3"], "Erases the only drive", "install"),
        (&["--no-answers", "--no-medium-kargs"], "Asks which drive", "live"),
        (&["--medium-karg", "diskwright.mode=install"], "Asks which drive", "install"),
        (&["--no-medium-kargs"], "Asks which drive", "live"),
    ] {
        let mut all = vec!["iso", "edit", "install.iso"];
        all.extend(arguments);
        let run = diskwright(path, all).succeeded();
        assert!(run.stdout.contains(installs), "{arguments:?}: {}", run.stdout);
        let shown = show(path, &["--check"]);
        assert_eq!(shown["menu"]["default"], default, "{arguments:?}");
        assert_eq!(shown["intact"], true, "{arguments:?}");
        assert!(checkisomd5(path), "{arguments:?}");
        let _ = shell(path, "bsdtar -x -O -f install.iso diskwright/menu.cfg > menu.cfg && grub-script-check menu.cfg");
    }
    assert_eq!(show(path, &[])["menu"]["timeout"], 3);
    let _ = diskwright(path, ["iso", "reset", "install.iso"]).succeeded();
    assert!(fs::read(&iso).unwrap() == before, "as it was built, byte for byte");

    // `destructive = true`, and the only drive.
    let answers = "diskwright.answers=base64:ZGVzdHJ1Y3RpdmUgPSB0cnVlCmRyaXZlLm9ubHkgPSB0cnVlCg==";
    let own = [answers, "diskwright.medium=x", "diskwright.chek=no", "diskwright.wait=soon", "diskwright.mode=x"];
    for karg in ["a\nb", "x=\"a b\"", "a b", "x=${y}", ""].into_iter().chain(own) {
        let run = diskwright(path, ["iso", "edit", "install.iso", "--title", "Other", "--medium-karg", karg]);
        assert_eq!(run.code, Some(2), "{karg:?}: {}", run.stderr);
        assert!(run.stderr.contains("the kernel argument ") && run.stderr.contains("hint: "), "{}", run.stderr);
    }
    assert!(fs::read(&iso).unwrap() == before, "a change that cannot be is not made in part");

    // As a download that broke off.
    fs::write(path.join("cut.iso"), &before[..before.len() - 100_000]).unwrap();
    let run = diskwright(path, ["iso", "show", "cut.iso", "--check"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stdout.contains("damaged: it is not as it was made"), "{}", run.stdout);
}

#[test]
fn blanks_at_the_end_of_answers_do_not_count() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join("answers.toml"), "destructive = true\r\n[drive]\r\nserial = \"T\"\r\n \t\r\n").unwrap();
    let iso = build(path, &["--answers", "answers.toml", "--no-bundle"]);
    let before = fs::read(&iso).unwrap();
    let _ = diskwright(path, ["iso", "edit", "install.iso", "--answers", "answers.toml"]).succeeded();
    assert!(fs::read(&iso).unwrap() == before, "the same answers change nothing");
    let _ = diskwright(path, ["iso", "edit", "install.iso", "--no-answers", "--title", "Other"]).succeeded();
    let _ = diskwright(path, ["iso", "reset", "install.iso"]).succeeded();
    assert!(fs::read(&iso).unwrap() == before, "as it was built, byte for byte");
}

#[test]
fn systemd_boot_s_menu_is_changed_in_its_own_partition_and_back_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let iso = build(path, &["--bootloader", "systemd", "--no-bundle"]);
    let before = fs::read(&iso).unwrap();
    fs::write(path.join("answers.toml"), "destructive = true\n[drive]\nserial = \"TARGET\"\n").unwrap();
    // Beside what is changed, all lines stay.
    let read = || {
        let script = "start=$(sgdisk -i 2 install.iso | sed -n 's/First sector: \\([0-9]*\\).*/\\1/p')
            tail -c +$((start * 512 + 1)) install.iso > esp.img && fsck.fat -n esp.img > /dev/null
            for file in loader.conf entries/live.conf entries/install.conf entries/install-unchecked.conf; do
              mtype -i esp.img ::loader/$file | grep .
            done";
        shell(path, script)
    };
    let built = read();
    let [title, kargs] = ["Debian GNU/Linux 13 (trixie)", "console=ttyS1"];
    assert!(built.contains(&format!("title Try {title} without installing it\n")), "{built}");
    let mut expected = built.clone();
    for (arguments, from, to) in [
        (&["--title", "@KARGS@ mine; $x"][..], title, "@KARGS@ mine   x"),
        (&["--answers", "answers.toml"], "default live.conf\n", "default install.conf\n"),
        (&["--menu-timeout", "3"], "timeout 10\n", "timeout 3\n"),
        (&["--medium-karg", kargs, "--medium-karg", "b=@TITLE@"], "", "console=ttyS1 b=@TITLE@"),
        (&["--no-answers"], "default install.conf\n", "default live.conf\n"),
    ] {
        let _ = diskwright(path, ["iso", "edit", "install.iso"].iter().chain(arguments)).succeeded();
        expected = match from {
            "" => expected
                .lines()
                .map(|line| if line.starts_with("options ") { format!("{line} {to}\n") } else { format!("{line}\n") })
                .collect(),
            from => expected.replace(from, to),
        };
        assert_eq!(read(), expected, "{arguments:?}");
        assert_eq!(show(path, &["--check"])["intact"], true, "{arguments:?}");
        assert!(checkisomd5(path), "{arguments:?}");
    }
    assert_eq!(show(path, &[])["menu"]["timeout"], 3);
    for part in ["kernel", "installer"] {
        let _ = diskwright(path, ["iso", "extract", "install.iso", part, "-o", part]).succeeded();
    }
    let script = "mtype -i esp.img ::images/pxeboot/vmlinuz | cmp - kernel
        mtype -i esp.img ::images/pxeboot/diskwright.img | cmp - installer";
    let _ = shell(path, script);
    let _ = diskwright(path, ["iso", "reset", "install.iso"]).succeeded();
    assert!(fs::read(&iso).unwrap() == before, "as it was built, byte for byte");
}

#[test]
fn parts_of_a_medium_are_what_went_into_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let _ = medium(path);
    for part in ["kernel", "initramfs", "installer"] {
        let _ = diskwright(path, ["iso", "extract", "install.iso", part, "-o", part]).succeeded();
    }
    let _ = diskwright(path, ["iso", "extract", "install.iso", "disk", "-o", "again.raw", "-q"]).succeeded();
    let _ = shell(path, "cmp disk.raw again.raw");
    let _ = shell(
        path,
        "for pair in kernel:vmlinuz initramfs:initrd.img installer:diskwright.img; do
           bsdtar -x -O -f install.iso images/pxeboot/${pair#*:} | cmp - ${pair%:*} || exit 1
         done",
    );
    let used = |name: &str| shell(path, &format!("du -k {name} | cut -f 1")).trim().parse::<u64>().unwrap();
    assert!(used("again.raw") <= used("disk.raw") * 11 / 10, "holes stay holes");
}

#[test]
fn what_a_boot_server_gives_out_is_a_kernel_and_archives_with_the_very_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = real("mini");
    fs::write(path.join("answers.toml"), "system.hostname = \"web1\"\n").unwrap();
    let arguments = ["--type", "pxe", "--type", "raw", "--answers", "answers.toml", "--title", "It's mine", "-o", "."];
    let all = ["build", &source, "--target-imgref", IMGREF, "-q"].into_iter().chain(arguments);
    let _ = diskwright(path, all).succeeded();
    let listed = shell(path, "tar -x -v -f pxe.tar | sort && mkdir d && cd d && cpio -i -d --quiet < ../medium.img");
    assert_eq!(listed, "boot.ipxe\ndiskwright.img\ngrub.cfg\ninitrd.img\nmedium.img\nvmlinuz\n");
    let script =
        "cd d/diskwright/medium && cmp answers.toml ../../../answers.toml && unsquashfs -q -n -d p payload.sqfs
        cmp p/disk.raw ../../../disk.raw && python3 -m json.tool medium.json > /dev/null && wc -l < blocks";
    assert!(shell(path, script).trim().parse::<u64>().unwrap() > 100);
    let _ = judge("grub-script-check", [path.join("grub.cfg")]).passed();
    let _ = shell(path, "for file in vmlinuz initrd.img; do file=$(pwd)/$file; [ -s $file ] || exit 1; done");
    let ipxe = fs::read_to_string(path.join("boot.ipxe")).unwrap();
    assert!(ipxe.starts_with("#!ipxe\n") && ipxe.contains("initrd --name medium.img medium.img\n"), "{ipxe}");
    // An ISO has all of it.
    let arguments = ["--type", "iso", "--answers", "answers.toml", "--title", "It's mine", "--no-bundle", "-o", "."];
    let all = ["build", &source, "--target-imgref", IMGREF, "-q"].into_iter().chain(arguments);
    let _ = diskwright(path, all).succeeded();
    let _ = diskwright(path, ["iso", "extract", "install.iso", "pxe", "-o", "extracted.tar", "-q"]).succeeded();
    let _ = shell(path, "cmp pxe.tar extracted.tar");
    // It can be made again and compared, too.
    let run = diskwright(path, ["verify", "pxe.tar", "--source", &source, "-q"]).succeeded();
    assert!(run.stdout.contains("identical"), "{}", run.stdout);
}

#[test]
fn a_medium_lists_what_names_its_disk_and_refuses_other_identities_where_that_is_fixed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let layout = checkout().join("templates/layout-x86_64-boot.toml");
    let _ = build(path, &["--layout", layout.to_str().unwrap(), "--no-bundle"]);
    fs::write(path.join("fresh.toml"), "drive.fresh-ids = true\n").unwrap();
    let _ = diskwright(path, ["iso", "edit", "install.iso", "--answers", "fresh.toml"]).succeeded();
    let shown = diskwright(path, ["iso", "show", "install.iso"]).succeeded();
    let words = "Gives the disk, its partitions and file systems identifiers of their own";
    assert!(shown.stdout.contains(words), "{}", shown.stdout);

    let manifest = shell(path, "bsdtar -x -O -f install.iso diskwright/medium.json");
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let named = manifest["disk"]["named_by"].as_array().unwrap().iter();
    let named: Vec<_> = named.map(|file| format!("{} {}", file["holds"], file["path"]).replace('"', "")).collect();
    let deployment = manifest["system"]["deployment"].as_str().unwrap();
    let expected = [
        format!("sysroot {deployment}/etc/fstab"),
        "boot grub/grub.cfg".to_owned(),
        "boot loader.1/entries/ostree-1.conf".to_owned(),
        "esp EFI/debian/grub.cfg".to_owned(),
    ];
    assert_eq!(named, expected);

    // As if one of them were no text.
    let _ = shell(path, "sed -i '0,/\"fixed\": false/s//\"fixed\": true /' install.iso");
    let run = diskwright(path, ["iso", "edit", "install.iso", "--answers", "fresh.toml"]);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    let words = "etc/fstab (sysroot) names the disk or a file system by its UUID, and cannot be changed";
    assert!(run.stderr.contains(words) && run.stderr.contains("hint: "), "{}", run.stderr);
}

#[test]
fn media_that_cannot_be_are_refused_before_there_is_anything() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let bare = tiny(path);
    let mini = real("mini");
    let no_media = Image::new(vec![modules(&["loop", "isofs", "squashfs", "ext4"])]).write(&path.join("no-media"));
    let odd = modules(&["loop", "isofs", "squashfs", "sr_mod"]);
    let odd = Image::new(vec![odd.file("usr/lib/modules/6.12.1/initramfs.img", 0o644, b"BZh91AY")]);
    let odd = odd.write(&path.join("odd"));
    fs::write(path.join("wrong.toml"), "destructive = true\n[drive]\nserail = \"x\"\n").unwrap();
    fs::write(path.join("long.toml"), format!("#{}", "x".repeat(70_000))).unwrap();
    fs::create_dir(path.join("out")).unwrap();
    for (source, arguments, code, words) in [
        (&bare, &[][..], 4, "usr/lib/modules/6.12.1 has no modules.dep and no modules.dep.bin"),
        (&no_media, &[], 4, "has no driver for any medium that it could be installed from: none of sr_mod, sd_mod,"),
        // The check of the initramfs would say so before.
        (&odd, &["--no-lint"], 4, "cannot be followed by another archive, as an installer medium needs: the part"),
        (&mini, &["--bootloader", "none"], 2, "an installer medium needs a boot loader"),
        (&mini, &["--volume-id", "with space"], 2, "has the character 'w', and only A-Z, 0-9 and _ are allowed"),
        (&mini, &["--volume-id", "A23456789012345678901234567890123"], 2, "has 33 characters, and 32 are the most"),
        (&mini, &["--publisher", "Ünicode"], 2, "has the character"),
        (&mini, &["--publisher", "Foo <a@b-c.d>"], 2, "hint: write the publisher as \"FOO <A_B-C.D>\""),
        (&mini, &["--medium-karg", "x=\"a b\""], 2, "the kernel argument `x=\"a b\"` has a blank in it"),
        (
            &mini,
            &["--medium-karg", "diskwright.answers=base64:eA=="],
            2,
            "cannot be on an installer medium: answers of",
        ),
        (
            &mini,
            &["--karg", "diskwright.mode=install"],
            2,
            "cannot be on an installer medium: the system itself has it",
        ),
        (&mini, &["--answers", "wrong.toml"], 3, "wrong.toml:3:1: "),
        (&mini, &["--answers", "long.toml"], 3, "long.toml has 70001 bytes, and answers have 65536 at most"),
        (&mini, &["--answers", "none.toml"], 7, "cannot read none.toml"),
    ] {
        let mut all = vec!["build", source, "--platform", "linux/amd64", "--type", "iso", "-o", "out/x.iso", "-q"];
        all.extend(arguments);
        let run = diskwright(path, all);
        assert_eq!(run.code, Some(code), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(words) && run.stderr.contains("hint: "), "{arguments:?}: {}", run.stderr);
        assert_eq!(names(&path.join("out")), [""; 0], "{arguments:?}");
    }
    let run = diskwright(path, ["convert", "Cargo.toml", "--type", "iso", "-o", "out/x.iso"]);
    assert_ne!(run.code, Some(0));
}

/// The tiny system with a kernel that has these modules alone, all built in.
fn modules(names: &[&str]) -> Layer {
    let list: String = names.iter().map(|name| format!("kernel/x/{name}.ko\n")).collect();
    let trailer = format!("070701{}{:08X}{}TRAILER!!!\0\0\0\0", "0".repeat(88), 11, "0".repeat(8));
    let directory = "usr/lib/modules/6.12.1";
    system()
        .file(&format!("{directory}/initramfs.img"), 0o644, trailer.as_bytes())
        .file(&format!("{directory}/modules.dep"), 0o644, b"")
        .file(&format!("{directory}/modules.builtin"), 0o644, list.as_bytes())
}

#[test]
fn what_is_no_medium_of_ours_is_said_to_be_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let _ = shell(path, "mkdir d && echo x > d/x && xorriso -as mkisofs -quiet -r -V OTHER -o other.iso d 2>/dev/null");
    fs::copy(checkout().join("Cargo.lock"), path.join("lock")).unwrap();
    fs::write(path.join("empty"), "").unwrap();
    for (file, words) in
        [("other.iso", "it has no /diskwright/medium.json"), ("lock", "it is no ISO 9660 image"), ("empty", "no ISO")]
    {
        for command in ["show", "reset"] {
            let run = diskwright(path, ["iso", command, file]);
            assert_eq!(run.code, Some(3), "{}", run.stderr);
            assert!(run.stderr.contains(words), "{file}: {}", run.stderr);
        }
    }
    let run = diskwright(path, ["iso", "show", "missing"]);
    assert_eq!(run.code, Some(7), "{}", run.stderr);
}
