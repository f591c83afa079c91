//! What firmware finds: El Torito and partition tables.

use std::fs;
use std::path::Path;
use std::process::Command;

use builder_iso9660::{Boot, BootCode, Content, Hybrid, Image, IsoError, Options, Tree, Uuid};

use crate::judge::{ESP_SIZE, GRUB_IMAGE, Specs, everything, guid, image, options, run, tree, write, xorriso};

fn report(image: &Path) -> String {
    let report = xorriso(image, &["-report_el_torito", "plain", "-report_system_area", "plain"]);
    // Columns are as wide as their numbers.
    report.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

fn with(change: impl FnOnce(&mut Boot)) -> Options {
    let mut options = options();
    change(&mut options.boot);
    options
}

#[test]
fn xorriso_finds_both_boot_images_where_they_are() {
    let plan = Image::plan(&tree(&everything()), &options()).unwrap();
    let file = write(&plan);
    let (bios, esp) = (plan.placement(GRUB_IMAGE).unwrap(), plan.esp().unwrap());
    let report = report(file.path());
    for expected in [
        format!("El Torito boot img : 1 BIOS y none 0x0000 0x00 4 {}", bios.block),
        format!("El Torito boot img : 2 UEFI y none 0x0000 0x00 {} {}", (ESP_SIZE / 2048 + 1) * 4, esp.block),
        format!("El Torito img path : 1 /{GRUB_IMAGE}"),
        // It says so where the sum and the addresses are right.
        "El Torito img opts : 1 boot-info-table grub2-boot-info".into(),
        "System area summary: MBR protective-msdos-label grub2-mbr cyl-align-off GPT".into(),
        "Partition offset : 16".into(),
        "GPT partition name : 1 490053004f003900360036003000".into(),
        format!("GPT start and size : 1 64 {}", esp.block * 4 - 64),
        "GPT partition name : 2 4500460049002d00530059005300540045004d00".into(),
        format!("GPT start and size : 2 {} {}", esp.block * 4, (ESP_SIZE / 2048 + 1) * 4),
        "GPT type GUID : 2 28732ac11ff8d211ba4b00a0c93ec93b".into(),
    ] {
        assert!(report.contains(&expected), "{report}\nlacks {expected}");
    }
    let bytes = fs::read(file.path()).unwrap();
    let start = usize::try_from(esp.offset()).unwrap();
    let Some(Content::Bytes(expected)) = options().boot.uefi else { panic!("the ESP is in memory") };
    assert!(bytes[start..start + ESP_SIZE] == expected[..]);
    assert_eq!(bytes[432..440], (u64::from(bios.block) * 4 + 4).to_le_bytes());
    let start = usize::try_from(bios.offset()).unwrap();
    assert_eq!(bytes[start + 2548..start + 2556], (u64::from(bios.block) * 4 + 5).to_le_bytes());
}

#[test]
fn each_way_to_boot_stands_alone() {
    let esp = |size| Some(Content::reserved(size));
    for (options, expected, lacks) in [
        (with(|boot| *boot = Boot::default()), "", &["El Torito", "GPT", "MBR"][..]),
        (
            with(|boot| (boot.bios, boot.hybrid) = (None, None)),
            "El Torito boot img : 1 UEFI y none 0x0000 0x00 2052 ",
            &["GPT", "MBR", "BIOS"],
        ),
        (
            with(|boot| (boot.uefi, boot.hybrid) = (None, None)),
            "El Torito boot img : 1 BIOS y none 0x0000 0x00 4 ",
            &["GPT", "MBR", "UEFI"],
        ),
        (
            // What 16 bits cannot count reaches to the end of the disc.
            with(|boot| (boot.bios, boot.hybrid, boot.uefi) = (None, None, esp(40 << 20))),
            "El Torito boot img : 1 UEFI y none 0x0000 0x00 0 ",
            &["GPT"],
        ),
    ] {
        let image = image(&everything(), &options);
        let report = report(image.path());
        assert!(report.contains(expected), "{report}\nlacks {expected}");
        for word in lacks {
            assert!(!report.contains(word), "{report}\nhas {word}");
        }
    }
}

#[test]
fn sgdisk_finds_no_problem_with_the_stick() {
    let plain = |boot: &mut Boot| {
        let code = vec![0xCC; 440];
        boot.hybrid = Some(Hybrid { boot_code: Some(BootCode::Plain(code)), ..boot.hybrid.clone().unwrap() });
    };
    let none = |boot: &mut Boot| boot.hybrid = Some(Hybrid { boot_code: None, ..boot.hybrid.clone().unwrap() });
    for (options, partitions) in [(options(), 2), (with(none), 2), (with(plain), 2), (with(|boot| boot.uefi = None), 1)]
    {
        let image = image(&everything(), &options);
        let verdict = run("gdisk", Command::new("sgdisk").arg("-v").arg(image.path()));
        assert!(verdict.contains("No problems found"), "{verdict}");
        // Cautions there are, as partitions end where the blocks of the disc do.
        for word in ["Warning", "Problem:", "corrupt"] {
            assert!(!verdict.contains(word), "{verdict}");
        }
        let shown = run("fdisk", Command::new("sfdisk").arg("--dump").arg(image.path()));
        assert!(shown.contains("label-id: 12345678-9ABC-5DEF-8000-000000000000"), "{shown}");
        assert_eq!(shown.matches("start=").count(), partitions, "{shown}");
        assert!(shown.contains("uuid=12345678-9ABC-5DEF-8000-000000000001, name=\"ISO9660\""), "{shown}");
        let bytes = fs::read(image.path()).unwrap();
        let active = if options.boot.hybrid.unwrap().boot_code.is_some() { 0x80 } else { 0 };
        assert_eq!((bytes[446], bytes[450], bytes[462], bytes[466]), (0, 0xEE, active, 0));
    }
}

#[test]
fn grub_reads_the_disc_and_its_partition() {
    let specs: Specs = everything();
    let image = image(&specs, &options());
    let directory = tempfile::tempdir().unwrap();
    let expected = directory.path().join("expected");
    for path in [
        "EFI/BOOT/BOOTX64.EFI",
        "boot/grub/grub.cfg",
        "install/disk.raw",
        "many/with a long name that differs late-123.txt",
    ] {
        let crate::judge::Is::File(_, bytes) = &specs[path].is else { panic!("{path} is no file") };
        fs::write(&expected, bytes).unwrap();
        for device in ["loop0", "loop0,gpt1"] {
            let mut command = Command::new("grub-fstest");
            run("grub-common", command.arg(image.path()).arg("cmp").arg(format!("({device})/{path}")).arg(&expected));
        }
    }
    fs::write(&expected, "menuentry\n").unwrap();
    let mut command = Command::new("grub-fstest");
    run("grub-common", command.arg(image.path()).args(["cmp", "(loop0)/links/short"]).arg(&expected));
}

#[test]
fn what_cannot_boot_is_refused_in_words() {
    type Change = fn(&mut Boot);
    let cases: [(Change, &str); 9] = [
        (|boot| boot.bios.as_mut().unwrap().path = "none".into(), "\"none\" cannot boot: it is no file of the tree"),
        (|boot| boot.bios.as_mut().unwrap().path = "EFI".into(), "\"EFI\" cannot boot: it is no file of the tree"),
        (|boot| boot.bios.as_mut().unwrap().load_sectors = 0, "no sector of it is to be loaded"),
        (
            |boot| boot.bios.as_mut().unwrap().path = "setuid".into(),
            "it has 1 bytes, and 2556 are the least for what is written into it",
        ),
        (|boot| boot.bios = None, "GRUB's boot code in the first sector needs a boot image for BIOS to load"),
        (|boot| boot.uefi = Some(Content::reserved(0)), "the image of the EFI system partition is empty"),
        (|boot| boot.hybrid.as_mut().unwrap().esp = guid(1), "which something else has already"),
        (|boot| boot.hybrid.as_mut().unwrap().disk = Uuid::nil(), "which identifies nothing"),
        (
            |boot| boot.hybrid.as_mut().unwrap().boot_code = Some(BootCode::Plain(vec![0; 441])),
            "the boot code of the first sector has 441 bytes, and at most 440 are needed",
        ),
    ];
    for (change, words) in cases {
        let error = Image::plan(&tree(&everything()), &with(change)).err().unwrap().to_string();
        assert!(error.contains(words), "{error}\nlacks\n{words}");
    }
    let alone = Image::plan(&Tree::new(), &options()).err().unwrap();
    assert!(matches!(alone, IsoError::BootImage { .. }));
}
