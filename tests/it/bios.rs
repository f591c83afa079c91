//! Media of images that have GRUB's pieces for a legacy BIOS.

use std::fs;
use std::path::Path;

use diskwright_tests::command::{diskwright, target};
use diskwright_tests::image::{derived, grub_for_bios, real};
use diskwright_tests::judge::{judge, shell};

const IMGREF: &str = "registry.example/os:1";

fn build(directory: &Path, source: &str, arguments: &[&str]) -> String {
    let mut all = vec!["build", source, "--type", "iso", "--target-imgref", IMGREF, "-o", "install.iso", "--no-bundle"];
    all.extend(arguments);
    let run = diskwright(directory, all).succeeded();
    format!("{}{}", run.stdout, run.stderr)
}

#[test]
fn a_medium_with_grub_for_a_bios_is_right_to_every_judge() {
    // Blobs are linked, not copied.
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    let source = derived("mini", grub_for_bios(""), &path.join("image"));
    let said = build(path, &source, &[]);
    assert!(said.contains("boots by UEFI and by a legacy BIOS, from disc and stick"), "{said}");
    let iso = path.join("install.iso");
    let iso = iso.to_str().unwrap();

    let report =
        judge("xorriso", ["-indev", iso, "-report_el_torito", "plain", "-report_system_area", "plain"]).passed();
    let report: String =
        report.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect();
    for words in [
        "El Torito boot img : 1 BIOS y none 0x0000 0x00 4 ",
        "El Torito boot img : 2 UEFI y none 0x0000 0x00 ",
        "El Torito img path : 1 /boot/grub/i386-pc/eltorito.img",
        // It says so where the sum and the addresses are right.
        "El Torito img opts : 1 boot-info-table grub2-boot-info",
        "System area summary: MBR protective-msdos-label grub2-mbr cyl-align-off GPT",
        "GPT partname local : 2 EFI-SYSTEM",
    ] {
        assert!(report.contains(words), "no {words} in {report}");
    }
    let described = judge("isoinfo", ["-d", "-i", iso]).passed().stdout;
    for words in ["Arch 0 (x86)", "Boot media 0 (No Emulation Boot)", "Nsect 4"] {
        assert!(described.contains(words), "no {words} in {described}");
    }
    let table = judge("sgdisk", ["-v", iso]).passed().stdout;
    assert!(table.contains("No problems found"), "{table}");
    let is_intact = || {
        assert!(shell(path, "checkisomd5 install.iso </dev/null 2>&1 || true").contains("PASS"));
        let check = diskwright(path, ["check", "install.iso", "--deep"]).succeeded().stdout;
        assert!(check.contains("\nsound: ") && check.contains("boot image 1 (BIOS)"), "{check}");
    };
    is_intact();

    // The one menu is changed for both ways to boot.
    let edit = ["iso", "edit", "install.iso", "--title", "Other", "--menu-timeout", "7", "--medium-karg", "quiet"];
    let _ = diskwright(path, edit).succeeded();
    is_intact();
    let _ = shell(path, "mkdir files && bsdtar -x -f install.iso -C files");
    assert!(
        fs::read_to_string(path.join("files/diskwright/menu.cfg")).unwrap().starts_with("set menu_title='Other'\n")
    );
    // All that the menu has to load comes with the boot image.
    assert_eq!(
        shell(path, "ls files/boot/grub files/boot/grub/i386-pc"),
        "files/boot/grub:\ngrub.cfg\ni386-pc\n\nfiles/boot/grub/i386-pc:\neltorito.img\n"
    );

    let first = fs::read(iso).unwrap();
    let _ = diskwright(path, ["iso", "reset", "install.iso"]).succeeded();
    let _ = shell(path, "mv install.iso first.iso");
    let _ = build(path, &source, &["-q"]);
    let _ = shell(path, "cmp install.iso first.iso");
    drop(first);
}

#[test]
fn why_a_medium_does_not_boot_by_a_bios_is_said_and_it_is_made_all_the_same() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    let without = |piece: &str| derived("mini", grub_for_bios(piece), &path.join(piece));
    for (source, words) in [
        (real("mini"), "and not by a legacy BIOS\n"),
        (without("cdboot.img"), "and not by a legacy BIOS: GRUB for a BIOS lacks cdboot.img\n"),
        (without("search.mod"), "GRUB for a BIOS lacks search.mod\n"),
        (without("extcmd.mod"), "GRUB for a BIOS lacks extcmd.mod, which its module "),
        (without("moddep.lst"), "GRUB for a BIOS lacks moddep.lst\n"),
    ] {
        let said = build(path, &source, &["--dry-run"]);
        assert!(said.contains(words), "no {words} in {said}");
    }
}
