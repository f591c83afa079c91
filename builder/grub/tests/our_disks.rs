//! The configurations that our own disks carry.
#![allow(missing_docs)]

mod support;

use builder_grub::{Chain, DeviceId, GrubStart, SystemdStart, Timeout, Tries, follow_grub, follow_systemd_boot};
use support::{BOOT, Disk, ESP, block, default_of, lines};

const UUID: &str = "0f0f0f0f-1111-2222-3333-444444444444";

const MENU: &str = include_str!("../../../templates/grub-menu.cfg");
const COUNTING: &str = include_str!("../../../templates/grub-counting.cfg");

const KARGS: &str = "root=UUID=0f0f0f0f-1111-2222-3333-444444444444 rw console=ttyS0 \
                     ostree=/ostree/boot.1/default/0123456789abcdef/0";

/// The menu for a GRUB without `blscfg`, as it is put together when a disk is built.
fn menu() -> String {
    let folder = "/boot/ostree/default-0123456789abcdef";
    MENU.replace("@TIMEOUT@", "1")
        .replace("@COUNTING@\n", COUNTING)
        .replace(
            "@TERMINAL@\n",
            "if serial --unit=0 --speed=115200; then\n\tterminal_input console serial\n\tterminal_output console serial\nfi\n",
        )
        .replace("@TITLE@", "'Debian GNU/Linux 13 (ostree:0)'")
        .replace("@LINUX@", &format!("'{folder}/vmlinuz-6.12'"))
        .replace("@OPTIONS@", &KARGS.split(' ').map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "))
        .replace("@INITRD@", &format!("'{folder}/initramfs-6.12.img'"))
        .replace("@DEVICETREE@", "")
}

/// The menu for a GRUB with `blscfg`.
fn menu_of_blscfg() -> String {
    let order =
        "set default=0\nset fallback=1\nif [ -n \"$boot_fallback\" ]; then\n\tset default=1\n\tset fallback=0\nfi\n";
    format!("set timeout=1\n\n{COUNTING}\n{order}\ninsmod blscfg\nset boot=$root\nblscfg\n")
}

fn entry(number: usize, checksum: &str, serial: usize) -> String {
    format!(
        "title Debian GNU/Linux 13 (trixie) (ostree:0)\nversion {number}\noptions {}\n\
         linux /boot/ostree/default-{checksum}/vmlinuz-6.12\ninitrd /boot/ostree/default-{checksum}/initramfs-6.12.img\n",
        KARGS.replace("0123456789abcdef/0", &format!("{checksum}/{serial}"))
    )
}

/// A disk with these entries and an environment block.
fn disk(grub_cfg: &str, folder: &str, environment: &str, entries: &[(usize, &str, usize)]) -> Disk {
    let stub = format!("search.fs_uuid {UUID} root\nset prefix=($root)/boot/{folder}\nconfigfile $prefix/grub.cfg\n");
    let mut disk = Disk::usual(UUID, "root")
        .file(ESP, "/EFI/debian/grub.cfg", stub)
        .file(BOOT, &format!("/boot/{folder}/grub.cfg"), grub_cfg)
        .file(BOOT, &format!("/boot/{folder}/grubenv"), block(environment));
    for &(number, checksum, serial) in entries {
        disk = disk
            .file(BOOT, &format!("/boot/loader/entries/ostree-{number}.conf"), entry(number, checksum, serial))
            .file(BOOT, &format!("/boot/ostree/default-{checksum}/vmlinuz-6.12"), "kernel")
            .file(BOOT, &format!("/boot/ostree/default-{checksum}/initramfs-6.12.img"), "initramfs");
    }
    disk
}

fn start() -> GrubStart {
    GrubStart::new(ESP, "/EFI/debian", false)
}

#[test]
fn the_newest_deployment_is_started() {
    for (cfg, folder, blscfg) in [(menu(), "grub", false), (menu_of_blscfg(), "grub2", true)] {
        let entries = [(2, "0123456789abcdef", 0), (1, "fedcba", 1)];
        let disk = disk(&cfg, folder, "", &entries);
        let menu = follow_grub(&disk, &GrubStart { blscfg, ..start() }).unwrap();
        assert_eq!(lines(&menu.problems), "");
        assert_eq!(menu.unknown, []);
        assert_eq!((menu.entries.len(), menu.timeout), (2, Timeout::Seconds(1)));
        let folder = "(hd0,gpt2)/boot/ostree/default-0123456789abcdef";
        let (index, kernel, initrds, arguments) = default_of(&menu);
        assert_eq!((index, kernel), (0, format!("{folder}/vmlinuz-6.12")));
        assert_eq!((initrds, arguments.as_str()), (format!("{folder}/initramfs-6.12.img"), KARGS));
        assert_eq!(menu.fallback, [1]);
        assert!(menu.entries.iter().all(|entry| entry.starts() && entry.problems.is_empty()), "{:#?}", menu.entries);
        assert_eq!(menu.entries[0].title, "Debian GNU/Linux 13 (trixie) (ostree:0)");
        assert!(menu.entries[1].arguments.ends_with("ostree=/ostree/boot.1/default/fedcba/1"));
        assert_eq!(menu.entries[1].kernel.as_ref().unwrap().path, "/boot/ostree/default-fedcba/vmlinuz-6.12");
        // A start is no success before somebody says so.
        assert_eq!(menu.saved[0].variables, [("boot_success".to_owned(), "0".to_owned())]);
    }
}

#[test]
fn eleven_deployments_are_in_the_order_of_their_versions() {
    let entries: Vec<_> = (1..=11).map(|number| (number, "0123456789abcdef", 11 - number)).collect();
    let disk = disk(&menu(), "grub", "", &entries);
    let menu = follow_grub(&disk, &start()).unwrap();
    assert_eq!(lines(&menu.problems), "");
    assert_eq!(default_of(&menu).3, KARGS);
    assert!(menu.entries[menu.fallback[0]].arguments.ends_with("/1"));
}

#[test]
fn an_update_uses_up_its_tries() {
    for (before, default, after) in [
        ("boot_counter=3\nboot_success=0\n", 0, "2"),
        ("boot_counter=1\nboot_success=0\n", 0, "0"),
        ("boot_counter=0\nboot_success=0\n", 1, "-1"),
        ("boot_counter=-1\nboot_success=0\n", 1, "-1"),
    ] {
        for (cfg, blscfg) in [(menu(), false), (menu_of_blscfg(), true)] {
            let disk = disk(&cfg, "grub", before, &[(2, "0123456789abcdef", 0), (1, "fedcba", 1)]);
            let menu = follow_grub(&disk, &GrubStart { blscfg, ..start() }).unwrap();
            assert_eq!((menu.default, menu.fallback.as_slice()), (Some(default), [1 - default].as_slice()), "{before}");
            let counter = menu.saved.first().map_or("-1", |saved| saved.variables[0].1.as_str());
            assert_eq!(counter, after, "{before}");
        }
    }
}

#[test]
fn without_entries_the_first_kernel_is_started() {
    let disk =
        disk(&menu(), "grub", "", &[(1, "0123456789abcdef", 0)]).without(BOOT, "/boot/loader/entries/ostree-1.conf");
    let menu = follow_grub(&disk, &start()).unwrap();
    let (index, kernel, _, arguments) = default_of(&menu);
    assert_eq!((index, arguments.as_str()), (0, KARGS));
    assert_eq!(kernel, "(hd0,gpt2)/boot/ostree/default-0123456789abcdef/vmlinuz-6.12");
}

#[test]
fn a_broken_step_is_named() {
    let whole = || disk(&menu_of_blscfg(), "grub", "", &[(1, "0123456789abcdef", 0)]);
    let of = |disk: &Disk| {
        let menu = follow_grub(disk, &GrubStart { blscfg: true, ..start() }).unwrap();
        let entries: Vec<_> = menu.entries.iter().flat_map(|entry| entry.problems.clone()).collect();
        assert!(menu.default_entry().is_none_or(|entry| !entry.starts()));
        lines(&[menu.problems, entries].concat())
    };
    let stub = "(hd0,gpt1)/EFI/debian/grub.cfg";
    let other = whole().file(ESP, "/EFI/debian/grub.cfg", "\nsearch.fs_uuid 99 root\nset prefix=($root)/x\n");
    assert!(of(&other).starts_with(&format!("{stub}:2: search.fs_uuid 99 root: no file system has it\n")));
    let gone = whole().without(BOOT, "/boot/grub/grub.cfg");
    assert!(of(&gone).contains(&format!("{stub}:3: configfile (hd0,gpt2)/boot/grub/grub.cfg: there is no file")));
    let gone = whole().without(BOOT, "/boot/ostree/default-0123456789abcdef/vmlinuz-6.12");
    let expected = "(hd0,gpt2)/boot/loader/entries/ostree-1.conf:4: linux (hd0,gpt2)/boot/ostree/default-0123456789abcdef/\
                    vmlinuz-6.12 root=UUID=";
    assert!(of(&gone).starts_with(expected), "{}", of(&gone));
    assert!(of(&gone).contains("there is no (hd0,gpt2)/boot/ostree/default-0123456789abcdef/vmlinuz-6.12\n"));
    let gone = whole().without(BOOT, "/boot/loader/entries/ostree-1.conf");
    assert!(of(&gone).contains("blscfg: there is no directory /loader/entries/ and no /boot/loader/entries/"));
    let error = follow_grub(&whole().without(ESP, "/EFI/debian/grub.cfg"), &start()).unwrap_err();
    let expected =
        "GRUB finds no configuration: there is no (hd0,gpt1)/EFI/debian/grub.cfg and no (hd0,gpt1)/EFI/BOOT/grub.cfg";
    assert_eq!(error.to_string(), expected);
    assert_eq!(
        follow_grub(&whole(), &GrubStart::new(DeviceId(9), "/", false)).unwrap_err().to_string(),
        "the machine has no device 9"
    );
}

#[test]
fn systemd_boot_starts_the_newest_copy() {
    let copy = |number: usize, name: &str| {
        let text = entry(number, "0123456789abcdef", 2 - number).replace("/boot/ostree", "/ostree");
        (format!("/loader/entries/{name}"), format!("sort-key ostree\n{text}"))
    };
    let mut disk = Disk::usual(UUID, "root")
        .file(ESP, "/loader/loader.conf", "timeout 1\n")
        .file(ESP, "/ostree/default-0123456789abcdef/vmlinuz-6.12", "kernel")
        .file(ESP, "/ostree/default-0123456789abcdef/initramfs-6.12.img", "initramfs");
    for (path, text) in [copy(1, "ostree-default-b.0.conf"), copy(2, "ostree-default-a.0+3.conf")] {
        disk = disk.file(ESP, &path, text);
    }
    let start = SystemdStart { esp: ESP, xbootldr: None, architecture: "x64".to_owned(), last: None };
    let menu = follow_systemd_boot(&disk, &start).unwrap();
    assert_eq!((lines(&menu.problems).as_str(), menu.timeout), ("", Timeout::Seconds(1)));
    let (index, kernel, _, arguments) = default_of(&menu);
    assert_eq!((index, arguments.as_str()), (0, KARGS));
    assert_eq!(kernel, "(hd0,gpt1)/ostree/default-0123456789abcdef/vmlinuz-6.12");
    assert_eq!(menu.entries[0].tries, Some(Tries { left: 3, done: 0 }));
    // Its tries are used up: it is the last.
    let text = copy(2, "x").1;
    let spent = disk
        .without(ESP, "/loader/entries/ostree-default-a.0+3.conf")
        .file(ESP, "/loader/entries/ostree-default-a.0+0-3.conf", text)
        .file(ESP, "/EFI/Linux/fallback.efi", "NAME=Fallback");
    let menu = follow_systemd_boot(&spent, &start).unwrap();
    assert_eq!(menu.default_entry().unwrap().id, "ostree-default-b.0.conf");
    assert_eq!(menu.entries[2].tries, Some(Tries { left: 0, done: 3 }));
    assert!(
        matches!(&menu.entries[1].chain, Some(Chain::UnifiedKernel(file)) if file.path == "/EFI/Linux/fallback.efi")
    );
}
