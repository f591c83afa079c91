//! Consoles of boots, good and bad. Those in files are kept from real ones, shortened.

use super::*;

/// How the marks see a console that is kept in a file, a second a line.
fn watch(console: &str) -> Observer {
    let mut observer = Observer::new(Duration::from_secs(60), Allowed::nothing());
    let mut at = Duration::ZERO;
    for line in console.lines() {
        at += Duration::from_secs(1);
        observer.line(at, line);
    }
    observer
}

const LONG_AFTER: Duration = Duration::from_secs(100_000);

fn stages(observer: &Observer) -> Vec<&'static str> {
    observer.timeline().iter().map(|reached| reached.stage.name()).collect()
}

#[test]
fn consoles_of_good_boots_show_their_stages_and_no_failure() {
    let all = ["started", "firmware", "boot-loader", "kernel", "initramfs", "root", "systemd", "target"];
    for (name, console, expected) in [
        ("mini, GRUB", include_str!("consoles/mini-grub.txt"), &all[..]),
        ("mini, systemd-boot", include_str!("consoles/mini-systemd-boot.txt"), &all[..]),
        ("dracut", include_str!("consoles/dracut.txt"), &all[..]),
        ("Secure Boot", include_str!("consoles/secure-boot.txt"), &all[..]),
        (
            "quiet",
            "BdsDxe: starting Boot0001 \"x\"\nEFI stub: Loaded initrd\nWelcome to Fedora CoreOS 42!\nhost login: ",
            &["started", "firmware", "boot-loader", "kernel", "systemd", "target"],
        ),
    ] {
        let observer = watch(console);
        assert_eq!(stages(&observer), expected, "{name}");
        assert_eq!(observer.conclusion(LONG_AFTER), None, "{name}");
    }
}

#[test]
fn a_unit_that_may_fail_explains_no_reboot() {
    let console = include_str!("consoles/reboots.txt");
    for (allowed, verdict) in [("health-check.service", Verdict::Ended), ("other.service", Verdict::UnitsFailed)] {
        let allowed = Allowed(Box::new(move |unit| unit == allowed));
        let mut observer = Observer::new(Duration::from_secs(60), allowed);
        for line in console.lines() {
            observer.line(Duration::from_secs(1), line);
        }
        assert_eq!(observer.conclusion(LONG_AFTER).unwrap().verdict, verdict);
        assert!(observer.failed_units().contains(&"health-check.service".to_owned()));
    }
}

#[test]
fn a_system_that_tells_that_it_is_up_is_up() {
    // A silent console, and one that had raised a suspicion.
    for console in ["", "EFI stub: Loaded initrd\n[  5.0] Linux version 6.12\nALERT!  UUID=x does not exist.\n"] {
        let mut observer = watch(console);
        observer.told_ready(Duration::from_secs(90));
        assert_eq!(observer.stage(), Stage::Target);
        assert_eq!(observer.conclusion(LONG_AFTER), None);
        let last = observer.timeline().last().unwrap().clone();
        assert_eq!((last.at.as_secs(), last.sighting.unwrap().line.as_str()), (90, "READY=1"));
    }
    // What its console has said first stays.
    let mut observer = watch(include_str!("consoles/mini-grub.txt"));
    let before = observer.timeline().to_vec();
    observer.told_ready(LONG_AFTER);
    assert_eq!(observer.timeline(), before);
}

#[test]
fn consoles_of_bad_boots_give_their_verdicts_and_the_line() {
    for (name, console, verdict, stage, words) in [
        (
            "empty disk, UEFI",
            "BdsDxe: failed to load Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0): Not Found\n\
             BdsDxe: loading Boot0002 \"EFI Internal Shell\" from Fv(7C)\n\
             BdsDxe: starting Boot0002 \"EFI Internal Shell\" from Fv(7C)\n\
             UEFI Interactive Shell v2.2",
            Verdict::NothingToBoot,
            Stage::Firmware,
            "UEFI Interactive Shell v2.2",
        ),
        (
            "empty disk, UEFI without a shell",
            "BdsDxe: failed to load Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0): Not Found\n\
             BdsDxe: No bootable option or device was found.\n\
             BdsDxe: Press any key to enter the Boot Manager Menu.",
            Verdict::NothingToBoot,
            Stage::Firmware,
            "No bootable option",
        ),
        (
            "empty disk, BIOS",
            "SeaBIOS (version 1.16.2-debian-1.16.2-1)\n\nBooting from Hard Disk...\n\
             Boot failed: not a bootable disk\n\nNo bootable device.",
            Verdict::NothingToBoot,
            Stage::Firmware,
            "No bootable device.",
        ),
        (
            "unsigned first stage",
            "BdsDxe: loading Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
             BdsDxe: failed to load Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0): Access Denied\n\
             BdsDxe: No bootable option or device was found.",
            Verdict::SecureBootRefused,
            Stage::Firmware,
            "Access Denied",
        ),
        (
            "unsigned second stage",
            "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
             Verification failed: (0x1A) Security Violation",
            Verdict::SecureBootRefused,
            Stage::BootLoader,
            "Verification failed",
        ),
        (
            "revoked shim",
            "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
             Verifying shim SBAT data failed: Security Policy Violation\n\
             Something has gone seriously wrong: SBAT self-check failed: Security Policy Violation",
            Verdict::SecureBootRefused,
            Stage::BootLoader,
            "SBAT data failed",
        ),
        (
            "unsigned kernel",
            "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
             Booting `Debian GNU/Linux'\nerror: ../../grub-core/kern/efi/sb.c:182:bad shim signature.\n\
             error: ../../grub-core/loader/i386/efi/linux.c:256:you need to load the kernel first.\n\n\
             Press any key to continue...",
            Verdict::SecureBootRefused,
            Stage::BootLoader,
            "bad shim signature",
        ),
        (
            "shim without GRUB",
            "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
             Failed to open \\EFI\\BOOT\\grubx64.efi - Not Found\n\
             Failed to load image \\EFI\\BOOT\\grubx64.efi: Not Found\nstart_image() returned Not Found\n\
             BdsDxe: failed to start Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0): Not Found\n\
             BdsDxe: No bootable option or device was found.",
            Verdict::BootLoaderError,
            Stage::BootLoader,
            "Failed to open \\EFI\\BOOT\\grubx64.efi",
        ),
        (
            "a root that GRUB does not find",
            include_str!("consoles/grub-no-device.txt"),
            Verdict::BootLoaderError,
            Stage::BootLoader,
            "error: no such device: 518a9d6e",
        ),
        (
            "GRUB without a configuration",
            "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
             GNU GRUB  version 2.12-9+deb13u4\n   Minimal BASH-like line editing is supported. For the first\n\
             grub> ",
            Verdict::BootLoaderError,
            Stage::BootLoader,
            "Minimal BASH-like",
        ),
        (
            "GRUB that is damaged",
            "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
             reloc offset is out of the segment\nAborted. Press any key to exit.",
            Verdict::BootLoaderError,
            Stage::BootLoader,
            "Aborted.",
        ),
        (
            "a kernel that is not there",
            "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
             error: file `/boot/vmlinuz' not found.\nerror: you need to load the kernel first.\n\n\
             Failed to boot both default and fallback entries.\n\nPress any key to continue...",
            Verdict::BootLoaderError,
            Stage::BootLoader,
            "`/boot/vmlinuz' not found",
        ),
        (
            "systemd-boot without entries",
            "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
             No loader found. Configuration files in \\loader\\entries\\*.conf are needed.\n\
             BdsDxe: failed to start Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0): Not Found\n\
             BdsDxe: No bootable option or device was found.",
            Verdict::BootLoaderError,
            Stage::BootLoader,
            "No loader found",
        ),
        (
            "a kernel that crashes",
            "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n  Booting `Debian'\n\n\
             !!!! X64 Exception Type - 0D(#GP - General Protection)  CPU Apic ID - 00000000 !!!!",
            Verdict::KernelNotReached,
            Stage::BootLoader,
            "X64 Exception Type",
        ),
        (
            "a kernel that cannot be unpacked",
            "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n  Booting `Debian'\n\n\
             EFI stub: WARNING: Decompression failed: ZSTD-compressed data is corrupt\n\
             EFI stub: ERROR: Failed to decompress kernel\nEFI stub: ERROR: efi_stub_entry() failed!\n\
             error: start_image() returned 0x8000000000000001.\n\n\
             Failed to boot both default and fallback entries.",
            Verdict::KernelNotReached,
            Stage::BootLoader,
            "Failed to decompress kernel",
        ),
        (
            "a damaged initramfs",
            include_str!("consoles/panic.txt"),
            Verdict::KernelPanic,
            Stage::Kernel,
            "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)",
        ),
        (
            "initramfs-tools without its root",
            "[    0.000000] Linux version 6.1.0\nLoading, please wait...\nBegin: Mounting root file system ...\n\
             Gave up waiting for root file system device.  Common problems:\n - Boot args (cat /proc/cmdline)\n\
             ALERT!  UUID=3caf26b5-4d08-43e0-8634-7573269c4f70 does not exist.  Dropping to a shell!\n\n\
             BusyBox v1.35.0 (Debian 1:1.35.0-4) built-in shell (ash)\n(initramfs) ",
            Verdict::RootNotFound,
            Stage::Initramfs,
            "Gave up waiting for root",
        ),
        (
            "dracut without its root",
            "[    0.000000] Linux version 6.12.0\n[    9.7] systemd[1]: Running in initrd.\n\
             [  193.4] dracut-initqueue[682]: Warning: dracut-initqueue: timeout, \
             still waiting for following initqueue hooks:\n\
             [  194.2] dracut-initqueue[682]: Warning: Could not boot.\n\
             Warning: /dev/disk/by-uuid/910678ff-f77e-4a7d-8d53-86f2ac47a823 does not exist\n\n\
             Generating \"/run/initramfs/rdsosreport.txt\"\n\nEntering emergency mode. Exit the shell to continue.",
            Verdict::RootNotFound,
            Stage::Initramfs,
            "still waiting for following initqueue hooks",
        ),
        (
            "systemd's initramfs without its root",
            "[    0.000000] Linux version 6.12.0\n[    9.7] systemd[1]: Running in initrd.\n\
             [ TIME ] Timed out waiting for device /dev/disk/by-uuid/959a0713.\n\
             [DEPEND] Dependency failed for sysroot.mount - /sysroot.\n\
             You are in emergency mode. After logging in, type \"journalctl -xb\" to view",
            Verdict::RootNotFound,
            Stage::Initramfs,
            "Timed out waiting for device",
        ),
        (
            "an initramfs that gives up for a reason of its own",
            "[    0.000000] Linux version 6.12.0\n[    9.7] systemd[1]: Running in initrd.\n\
             [FAILED] Failed to start ignition-fetch.service - Ignition (fetch).\n\
             Entering emergency mode. Exit the shell to continue.",
            Verdict::InitramfsEmergency,
            Stage::Initramfs,
            "Entering emergency mode",
        ),
        (
            "a deployment that is not there",
            include_str!("consoles/ostree-no-deployment.txt"),
            Verdict::OstreeFailed,
            Stage::Initramfs,
            "Couldn't find specified OSTree root",
        ),
        (
            "a deployment that is not there, dracut",
            "[    0.000000] Linux version 6.2.0\n[    0.9] systemd[1]: Running in initrd.\n\
             [  OK  ] Mounted sysroot.mount - /sysroot.\n\
             [    1.090983] ostree-prepare-root[202]: ostree-prepare-root: Couldn't find specified OSTree root \
             '/sysroot//ostree/boot.1/x/c5c93a/0': No such file or directory\n\
             [FAILED] Failed to start ostree-pre….service - OSTree Prepare OS/.\n\
             See 'systemctl status ostree-prepare-root.service' for details.\n\
             Entering emergency mode. Exit the shell to continue.",
            Verdict::OstreeFailed,
            Stage::Root,
            "Couldn't find specified OSTree root",
        ),
        (
            "a composefs image without verity",
            "[    0.000000] Linux version 6.2.0\n[    0.9] systemd[1]: Running in initrd.\n\
             [  OK  ] Mounted sysroot.mount - /sysroot.\n\
             ostree-prepare-root[744]: ostree-prepare-root: composefs: failed to mount: \
             fsverity not enabled on composefs image\n\
             You are in emergency mode. After logging in, type \"journalctl -xb\" to view",
            Verdict::OstreeFailed,
            Stage::Root,
            "fsverity not enabled",
        ),
        (
            "a mount of the system that fails",
            "[    0.000000] Linux version 6.2.0\n\nWelcome to Debian GNU/Linux 13 (trixie)!\n\n\
             [FAILED] Failed to mount data.mount - /data.\n\
             [DEPEND] Dependency failed for local-fs.target - Local File Systems.\n\
             You are in emergency mode. After logging in, type \"journalctl -xb\" to view\n\
             Give root password for maintenance",
            Verdict::UnitsFailed,
            Stage::Systemd,
            "You are in emergency mode",
        ),
        (
            "a unit that fails and reboots",
            include_str!("consoles/reboots.txt"),
            Verdict::UnitsFailed,
            Stage::Systemd,
            "reboot: Restarting system",
        ),
        (
            "a machine that is switched off",
            "[    0.000000] Linux version 6.2\nWelcome to Debian GNU/Linux 13 (trixie)!\n[    5.1] reboot: Power down",
            Verdict::Ended,
            Stage::Systemd,
            "Power down",
        ),
        (
            "a reset without a word",
            "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
             [    0.000000] Linux version 6.2.0\n\
             BdsDxe: loading Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)",
            Verdict::Ended,
            Stage::Kernel,
            "BdsDxe: loading",
        ),
    ] {
        let observer = watch(console);
        assert_eq!(observer.stage(), stage, "{name}");
        let conclusion = observer.conclusion(LONG_AFTER).unwrap_or_else(|| panic!("{name}: no conclusion"));
        assert_eq!(conclusion.verdict, verdict, "{name}: {conclusion:?}");
        let line = conclusion.evidence.unwrap().line;
        assert!(line.contains(words), "{name}: {line}");
    }
}

#[test]
fn a_suspicion_waits_for_silence_and_is_forgotten_by_progress() {
    let mut observer = watch(
        "BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
         error: ../../grub-core/fs/fshelp.c:257:file `/EFI/fedora/x86_64-efi/bli.mod' not found.",
    );
    let heard = Duration::from_secs(2);
    assert_eq!(observer.conclusion(heard + Duration::from_secs(59)), None);
    assert_eq!(observer.conclusion(heard + Duration::from_secs(60)).unwrap().verdict, Verdict::BootLoaderError);
    observer.line(heard + Duration::from_secs(61), "[    0.000000] Linux version 6.12.0");
    assert_eq!(observer.conclusion(LONG_AFTER), None);
    assert_eq!(observer.last_word(), None);
}

#[test]
fn a_kernel_that_was_promised_and_says_nothing_is_known_only_when_the_time_is_over() {
    let observer =
        watch("BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n  Booting `Debian'\n\n");
    assert_eq!(observer.conclusion(LONG_AFTER), None);
    assert_eq!(observer.last_word().unwrap().verdict, Verdict::KernelNotReached);
}

#[test]
fn the_reason_may_follow_the_last_words() {
    let mut observer = watch("[    0.000000] Linux version 6.2.0\n[    0.9] systemd[1]: Running in initrd.");
    let at = Duration::from_secs(10);
    observer.line(at, "Entering emergency mode. Exit the shell to continue.");
    assert_eq!(observer.conclusion(at + Duration::from_secs(2)), None);
    observer.line(at + Duration::from_secs(1), "Warning: /dev/disk/by-uuid/910678ff does not exist");
    assert_eq!(observer.conclusion(at + LINGER).unwrap().verdict, Verdict::RootNotFound);
}

#[test]
fn a_prompt_counts_before_its_line_ends() {
    let mut observer = watch("BdsDxe: starting Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)");
    observer.beginning(Duration::from_secs(5), "gr");
    observer.beginning(Duration::from_secs(5), "error: variable `root'");
    assert_eq!(observer.conclusion(LONG_AFTER), None);
    observer.beginning(Duration::from_secs(6), "grub> ");
    assert_eq!(observer.conclusion(LONG_AFTER).unwrap().verdict, Verdict::BootLoaderError);
}

#[test]
fn repeated_characters_of_a_busy_console_change_nothing() {
    let observer = watch(
        "BdsDDxe: startingg Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0)\n\
         [    0.000000] Linux verssion 6.2.0\n[  OK  ] Reachedd target multi-user.targett.",
    );
    assert_eq!(stages(&observer), ["started", "firmware", "boot-loader", "kernel", "target"]);
}

#[test]
fn units_that_failed_are_named() {
    for (line, unit) in [
        ("[FAILED] Failed to start health-check.service.", Some("health-check.service")),
        ("[FAILED] Failed to start ssh.service - OpenBSD Secure Shell server.", Some("ssh.service")),
        ("[FAILED] Failed to start OpenSSH server daemon.", Some("OpenSSH server daemon")),
        ("[FAILED] Failed to mount data.mount - /data.", Some("data.mount")),
        ("M[FAILED] Failed to listen on x.socket - X.", Some("x.socket")),
        ("[  OK  ] Started ssh.service.", None),
        ("[FAILED] Failed to start ", None),
    ] {
        assert_eq!(failed_unit(line).as_deref(), unit, "{line}");
    }
    let observer = watch(
        "[    0.0] Linux version 6\n[FAILED] Failed to start in-initramfs.service.\n\
         \nWelcome to Debian!\n[FAILED] Failed to start a.service.\n[FAILED] Failed to start a.service.\n",
    );
    assert_eq!(observer.failed_units(), ["a.service"]);
    assert!(is_serious("a.service") && is_serious("OpenSSH server daemon") && !is_serious("a.path"));
}

#[test]
fn endless_lines_and_odd_bytes_are_taken_calmly() {
    let mut observer = Observer::new(Duration::from_secs(60), Allowed::nothing());
    let long = "\u{fc}x".repeat(1 << 18);
    observer.line(Duration::ZERO, &long);
    observer.line(Duration::ZERO, &format!("BdsDxe: {long}"));
    let sighting = observer.timeline()[1].sighting.clone().unwrap();
    assert_eq!(sighting.line.chars().count(), LINE_LIMIT);
    observer.beginning(Duration::ZERO, "");
    observer.line(Duration::MAX, "\u{fffd}\u{0}");
    assert_eq!(observer.conclusion(Duration::ZERO), None);
}
