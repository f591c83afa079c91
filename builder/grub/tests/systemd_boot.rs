//! systemd-boot: the order of entries and the choice.
#![allow(missing_docs)]

mod support;

use builder_grub::{Chain, DeviceId, FollowError, Menu, SystemdStart, Timeout, follow_systemd_boot};
use support::{BOOT, Disk, ESP, lines};

fn start() -> SystemdStart {
    SystemdStart { esp: ESP, xbootldr: Some(BOOT), architecture: "x64".to_owned(), last: None }
}

fn disk(config: &str, entries: &[(&str, &str)]) -> Disk {
    let mut disk =
        Disk::usual("1", "").file(ESP, "/loader/loader.conf", config).file(ESP, "/linux", "x").file(ESP, "/i", "x");
    for (name, text) in entries {
        disk = disk.file(ESP, &format!("/loader/entries/{name}"), format!("linux /linux\n{text}"));
    }
    disk
}

fn ids(menu: &Menu) -> Vec<&str> {
    menu.entries.iter().map(|entry| entry.id.strip_suffix(".conf").unwrap_or(&entry.id)).collect()
}

#[test]
fn entries_are_in_the_order_of_the_specification() {
    for (entries, expected) in [
        // By name where there is no sort key, the newest first.
        (&[("a-2.conf", ""), ("a-10.conf", ""), ("B-1.conf", "")][..], vec!["b-1", "a-10", "a-2"]),
        // Sort keys come first and decide, then the machine, then the version.
        (
            &[
                ("1.conf", ""),
                ("2.conf", "sort-key b\nversion 1\n"),
                ("3.conf", "sort-key a\nversion 9\nmachine-id x\n"),
                ("4.conf", "sort-key a\nversion 10\nmachine-id x\n"),
                ("5.conf", "sort-key a\nversion 1\n"),
                ("6.conf", "sort-key a\nversion 10~rc1\nmachine-id x\n"),
                ("7.conf", "sort-key a\nversion 10~rc1\nmachine-id x\n"),
            ][..],
            vec!["5", "4", "7", "6", "3", "2", "1"],
        ),
        // Without tries last.
        (&[("z+0-3.conf", "sort-key a\n"), ("b.conf", ""), ("c+1-2.conf", "")][..], vec!["c+1-2", "b", "z+0-3"]),
        (&[(".hidden.conf", ""), ("auto-x.conf", ""), ("x.txt", ""), ("x.conf", "")][..], vec!["x"]),
    ] {
        let menu = follow_systemd_boot(&disk("", entries), &start()).unwrap();
        assert_eq!(ids(&menu), expected);
        assert_eq!((menu.default, lines(&menu.problems).as_str()), (Some(0), ""));
    }
}

#[test]
fn the_default_is_a_pattern() {
    let entries = [("A-1.conf", "title One\n"), ("a-2.conf", ""), ("b.conf", "")];
    for (config, last, default, timeout) in [
        ("", None, "b.conf", Timeout::Seconds(0)),
        ("default a-*\ntimeout 3\n", None, "a-2.conf", Timeout::Seconds(3)),
        ("default A-1.conf\n", None, "a-1.conf", Timeout::Seconds(0)),
        ("default nosuch*\ntimeout menu-force\n", None, "b.conf", Timeout::Forever),
        ("default @saved\n", Some("A-1.conf"), "a-1.conf", Timeout::Seconds(0)),
        ("default @saved\n", None, "b.conf", Timeout::Seconds(0)),
        (
            "# default a-1.conf\n  default\t\"a-1.conf\"  \r\ntimeout menu-hidden\nx\n",
            None,
            "a-1.conf",
            Timeout::Seconds(0),
        ),
    ] {
        let start = SystemdStart { last: last.map(str::to_owned), ..start() };
        let menu = follow_systemd_boot(&disk(config, &entries), &start).unwrap();
        assert_eq!(menu.default_entry().unwrap().id, default, "{config}");
        assert_eq!(menu.timeout, timeout, "{config}");
        assert_eq!(lines(&menu.problems), "", "{config}");
    }
    let menu = follow_systemd_boot(&disk("timeout soon\ndefault @nosuch\n", &entries), &start()).unwrap();
    let expected = "(hd0,gpt1)/loader/loader.conf:1: timeout soon: not a number, so it is ignored\n\
                    (hd0,gpt1)/loader/loader.conf:2: default @nosuch: no such special entry, so it is ignored";
    assert_eq!(lines(&menu.problems), expected);
}

#[test]
fn an_entry_has_what_its_lines_say() {
    let text = "title T\noptions a\noptions b c\ninitrd i\ninitrd \\i\narchitecture X64\ndevicetree /dt\nunknown x\n";
    let menu = follow_systemd_boot(&disk("", &[("x.conf", text)]), &start()).unwrap();
    let entry = &menu.entries[0];
    assert_eq!((entry.title.as_str(), entry.arguments.as_str(), entry.starts()), ("T", "a b c", true));
    assert_eq!(lines(&entry.initrds), "(hd0,gpt1)/i\n(hd0,gpt1)/i");
    assert_eq!(entry.devicetree.as_ref().unwrap().path, "/dt");
    assert_eq!((entry.source.line, entry.kernel.as_ref().unwrap().path.as_str()), (1, "/linux"));
}

#[test]
fn what_is_left_out_is_said() {
    let conf = "/loader/entries/x.conf";
    for (text, expected) in [
        ("title x\n", "(hd0,gpt2)/loader/entries/x.conf:0: neither linux nor efi nor uki, so the entry is left out"),
        (
            "title x\nlinux /nosuch\n",
            "(hd0,gpt2)/loader/entries/x.conf:2: linux /nosuch: there is no (hd0,gpt2)/nosuch, so the entry is left out",
        ),
        ("linux /a\nefi /b\n", "(hd0,gpt2)/loader/entries/x.conf:2: efi and linux in one entry, so it is left out"),
        (
            "linux /a\narchitecture aa64\n",
            "(hd0,gpt2)/loader/entries/x.conf:2: architecture aa64, so it is left out on x64",
        ),
    ] {
        let menu = follow_systemd_boot(&Disk::usual("1", "").file(BOOT, conf, text), &start()).unwrap();
        assert!(menu.entries.is_empty() && menu.default.is_none());
        assert!(lines(&menu.problems).starts_with(expected), "{:?}", lines(&menu.problems));
        assert!(lines(&menu.problems).ends_with("there is no boot entry"));
    }
    // A missing initramfs stops the start, not the entry.
    let menu = follow_systemd_boot(&disk("", &[("x.conf", "initrd /nosuch\n")]), &start()).unwrap();
    assert!(!menu.entries[0].starts());
    assert_eq!(
        lines(&menu.entries[0].problems),
        "(hd0,gpt1)/loader/entries/x.conf:2: initrd /nosuch: there is no (hd0,gpt1)/nosuch"
    );
    let other = SystemdStart { esp: DeviceId(7), ..start() };
    assert_eq!(follow_systemd_boot(&disk("", &[]), &other), Err(FollowError::NoDevice(DeviceId(7))));
}

#[test]
fn other_programs_are_started_too() {
    let disk = Disk::usual("1", "")
        .file(BOOT, "/loader/entries/a.conf", "efi /EFI/other.efi\n")
        .file(BOOT, "/EFI/other.efi", "MZ")
        .file(BOOT, "/loader/entries/b.conf", "uki /EFI/Linux/one.efi\n")
        .file(BOOT, "/EFI/Linux/one.efi", "MZ")
        .file(ESP, "/EFI/Linux/Two-2+3.efi", "NAME=Two");
    let menu = follow_systemd_boot(&disk, &start()).unwrap();
    assert_eq!(ids(&menu), ["two-2+3.efi", "b", "a"]);
    let kinds: Vec<_> = menu.entries.iter().map(|entry| matches!(entry.chain, Some(Chain::UnifiedKernel(_)))).collect();
    assert_eq!(kinds, [true, true, false]);
    // The other one has no `.osrel`.
    assert_eq!(lines(&menu.problems), "(hd0,gpt2)/EFI/Linux/one.efi:0: section .osrel is not there, so it is left out");
}

#[test]
fn unified_kernels_stand_among_the_other_entries() {
    let unified = [
        ("z.efi", "ID=os\nNAME=Z\nVERSION_ID=1"),
        ("a.efi", "ID=os\nNAME=A\nVERSION_ID=10"),
        ("spent+0-3.efi", "ID=os\nNAME=A\nVERSION_ID=11"),
        ("nameless.efi", "VERSION_ID=11"),
        ("other.efi", "ID=os\nIMAGE_ID=image\nPRETTY_NAME=\"My image\""),
        ("keyless-1.efi", "NAME=K"),
        ("keyless-2.efi", "NAME=K"),
        ("ignored.txt", "ID=os"),
    ];
    let mut disk = disk(
        "default spent*\n",
        &[("x.conf", "sort-key os\nversion 9\n"), ("y.conf", "sort-key os\nversion 11\n"), ("plain.conf", "")],
    );
    for (name, text) in unified {
        disk = disk.file(BOOT, &format!("/EFI/Linux/{name}"), text);
    }
    let menu = follow_systemd_boot(&disk, &start()).unwrap();
    let expected =
        ["other.efi", "y", "a.efi", "x", "z.efi", "plain", "keyless-2.efi", "keyless-1.efi", "spent+0-3.efi"];
    assert_eq!((ids(&menu), menu.default), (expected.to_vec(), Some(8)));
    assert_eq!(menu.entries[0].title, "My image");
    let problem = "(hd0,gpt2)/EFI/Linux/nameless.efi:0: section .osrel names no system, so it is left out";
    assert_eq!(lines(&menu.problems), problem);
}
