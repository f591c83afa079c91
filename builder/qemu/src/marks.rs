//! The words on a serial console by which stages and failures are known.
//!
//! Two tables, and nothing else. Each line names the source that prints the words, so that it can be looked up when a
//! version says it otherwise. A mark matches a line that has all of its `words`, in their order, and none of `unless`.

use crate::stage::Stage;
use crate::verdict::Verdict;

/// Words that say that a stage is reached.
#[derive(Debug)]
pub(crate) struct StageMark {
    pub(crate) stage: Stage,
    pub(crate) words: &'static [&'static str],
    pub(crate) unless: &'static [&'static str],
    /// They say so only from this stage on; before it, others use the same words.
    pub(crate) from: Stage,
    /// They end in a prompt, after which no line end comes.
    pub(crate) prompt: bool,
    /// Who prints them, and when.
    pub(crate) source: &'static str,
}

/// What follows from words of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// This boot is over.
    Final,
    /// This boot is over unless something better comes soon: silence, or the next final words, confirm it.
    Cause,
    /// It says what happened only if nothing comes at all until the time is over.
    Hint,
}

/// Words that say that something went wrong.
#[derive(Debug)]
pub(crate) struct FailureMark {
    pub(crate) verdict: Verdict,
    pub(crate) weight: Weight,
    /// Of two marks that are seen, the stronger one tells more of the reason.
    pub(crate) strength: u8,
    pub(crate) words: &'static [&'static str],
    pub(crate) unless: &'static [&'static str],
    /// The stages in which they say so.
    pub(crate) from: Stage,
    pub(crate) until: Stage,
    /// They end in a prompt, after which no line end comes.
    pub(crate) prompt: bool,
    /// Who prints them, and when.
    pub(crate) source: &'static str,
}

const fn reached(stage: Stage, words: &'static [&'static str], source: &'static str) -> StageMark {
    StageMark { stage, words, unless: &[], from: Stage::Started, prompt: false, source }
}

impl StageMark {
    const fn unless(self, unless: &'static [&'static str]) -> Self {
        Self { unless, ..self }
    }

    const fn from(self, from: Stage) -> Self {
        Self { from, ..self }
    }

    const fn prompt(self) -> Self {
        Self { prompt: true, ..self }
    }
}

/// Marks of stages, in the order of a boot.
pub(crate) const STAGES: &[StageMark] = &[
    reached(Stage::Firmware, &["BdsDxe: "], "edk2 MdeModulePkg/Library/UefiBootManagerLib, each boot option"),
    reached(Stage::Firmware, &["UEFI firmware (version "], "edk2 ArmVirtPkg, at its start"),
    reached(Stage::Firmware, &[">>Start "], "edk2 NetworkPkg, a try to boot from the network"),
    reached(Stage::Firmware, &["SeaBIOS (version "], "SeaBIOS src/bootsplash.c, at its start"),
    // Firmware has programs of its own among its boot options.
    reached(Stage::BootLoader, &["BdsDxe: starting Boot"], "edk2 UefiBootManagerLib, a program has been loaded")
        .unless(FIRMWARE_OPTIONS),
    reached(Stage::BootLoader, &["GRUB loading"], "GRUB boot/i386/pc/boot.S"),
    reached(Stage::BootLoader, &["Welcome to GRUB!"], "GRUB kern/main.c"),
    reached(Stage::BootLoader, &["GNU GRUB version "], "GRUB normal/main.c, the menu or the prompt"),
    reached(Stage::BootLoader, &["Boot in ", " s."], "systemd-boot src/boot/boot.c, the menu's countdown"),
    reached(Stage::BootLoader, &["LINUX ", " Copyright (C) ", "Peter Anvin"], "ISOLINUX and SYSLINUX core"),
    reached(Stage::Kernel, &["EFI stub: "], "Linux drivers/firmware/efi/libstub")
        .unless(&["EFI stub: ERROR", "Decompression failed"]),
    reached(Stage::Kernel, &["Decompressing Linux..."], "Linux arch/x86/boot/compressed/misc.c"),
    reached(Stage::Kernel, &["Linux version "], "Linux init/version.c, the first line of the log"),
    reached(Stage::Kernel, &["Kernel command line: "], "Linux init/main.c, should the first line be garbled"),
    reached(Stage::Kernel, &["Booting Linux on physical CPU"], "Linux arch/arm64/kernel/setup.c"),
    reached(Stage::Initramfs, &["Run /init as init process"], "Linux init/main.c"),
    reached(Stage::Initramfs, &["Running in initrd."], "systemd src/core/main.c").from(Stage::Kernel),
    reached(Stage::Initramfs, &["Booting initrd of "], "systemd 256 and later, src/core/main.c").from(Stage::Kernel),
    reached(Stage::Initramfs, &["Welcome to ", "(Initramfs)!"], "systemd with dracut's os-release").from(Stage::Kernel),
    reached(Stage::Initramfs, &["dracut: "], "dracut modules.d/99base").from(Stage::Kernel),
    reached(Stage::Initramfs, &["dracut-"], "dracut's units, dracut-cmdline.service and others").from(Stage::Kernel),
    reached(Stage::Initramfs, &["Loading, please wait..."], "initramfs-tools init").from(Stage::Kernel),
    reached(Stage::Initramfs, &["Begin: "], "initramfs-tools scripts/functions").from(Stage::Kernel),
    reached(Stage::Root, &["Mounted sysroot.mount"], "systemd in the initramfs").from(Stage::Kernel),
    reached(Stage::Root, &["Mounted /sysroot"], "systemd before 248 in the initramfs").from(Stage::Kernel),
    reached(Stage::Root, &["initrd-root-fs.target"], "systemd in the initramfs").from(Stage::Kernel),
    reached(Stage::Root, &["initrd-switch-root"], "systemd in the initramfs").from(Stage::Kernel),
    reached(Stage::Root, &["Switching root"], "systemd src/core/main.c, dracut's init").from(Stage::Kernel),
    reached(Stage::Root, &["Mounted root filesystem"], "dracut's mount hook without systemd").from(Stage::Kernel),
    reached(Stage::Root, &["Running /scripts/local-bottom"], "initramfs-tools, after the mount").from(Stage::Kernel),
    reached(Stage::Root, &["VFS: Mounted root ("], "Linux init/do_mounts.c, without an initramfs").from(Stage::Kernel),
    reached(Stage::Root, &["sysroot.readonly configuration value"], "ostree-prepare-root.c").from(Stage::Kernel),
    reached(Stage::Root, &["Resolved OSTree target to: "], "ostree-prepare-root.c").from(Stage::Kernel),
    // The initramfs welcomes too, see the mark above; who watches knows by then whether it is still that.
    reached(Stage::Systemd, &["Welcome to ", "!"], "systemd src/core/main.c")
        .from(Stage::Kernel)
        .unless(&["(Initramfs)", "GRUB"]),
    reached(Stage::Systemd, &["Journal to Persistent Storage"], "systemd-journal-flush.service").from(Stage::Root),
    reached(Stage::Systemd, &["Started systemd-logind.service"], "systemd").from(Stage::Root),
    reached(Stage::Target, &["Reached target multi-user.target"], "systemd 248 and later").from(Stage::Kernel),
    reached(Stage::Target, &["Reached target graphical.target"], "systemd 248 and later").from(Stage::Kernel),
    reached(Stage::Target, &["Reached target Multi-User System"], "systemd before 248").from(Stage::Kernel),
    reached(Stage::Target, &["Reached target Graphical Interface"], "systemd before 248").from(Stage::Kernel),
    reached(Stage::Target, &[" login: "], "util-linux agetty.c, busybox getty")
        .from(Stage::Kernel)
        .prompt()
        .unless(&["Last login", "last login"]),
];

/// Boot options that are no disk's.
const FIRMWARE_OPTIONS: &[&str] = &["EFI Internal Shell", "UiApp", "BootManagerMenuApp", "UEFI PXE", "UEFI HTTP"];

/// Errors that GRUB prints where nothing is wrong: a menu made of boot entries sources each of them, and then `linux`
/// and `initrd` fail on purpose.
const GRUB_ON_PURPOSE: &[&str] = &["variable `root' isn't set", "you need to load the kernel first"];

/// A failure up to the boot loader.
const fn loader(verdict: Verdict, weight: Weight, strength: u8, words: &'static [&'static str]) -> FailureMark {
    FailureMark {
        verdict,
        weight,
        strength,
        words,
        unless: &[],
        from: Stage::Started,
        until: Stage::BootLoader,
        prompt: false,
        source: "",
    }
}

/// A failure from the kernel up to the root.
const fn early(verdict: Verdict, weight: Weight, strength: u8, words: &'static [&'static str]) -> FailureMark {
    FailureMark { from: Stage::Kernel, until: Stage::Root, ..loader(verdict, weight, strength, words) }
}

impl FailureMark {
    const fn by(self, source: &'static str) -> Self {
        Self { source, ..self }
    }

    const fn unless(self, unless: &'static [&'static str]) -> Self {
        Self { unless, ..self }
    }

    const fn prompt(self) -> Self {
        Self { prompt: true, ..self }
    }

    const fn during(self, from: Stage, until: Stage) -> Self {
        Self { from, until, ..self }
    }
}

use Verdict::{
    BootLoaderError, Ended, InitramfsEmergency, KernelNotReached, KernelPanic, NothingToBoot, OstreeFailed,
    RootNotFound, SecureBootRefused, UnitsFailed,
};
use Weight::{Cause, Final, Hint};

/// Marks of failures, in the order of a boot.
pub(crate) const FAILURES: &[FailureMark] = &[
    // Firmware.
    loader(NothingToBoot, Final, 1, &["BdsDxe: No bootable option or device was found"])
        .by("edk2 MdeModulePkg/Universal/BdsDxe/BdsEntry.c, when all options have failed"),
    loader(NothingToBoot, Final, 1, &["UEFI Interactive Shell"]).by("edk2 ShellPkg, the last boot option"),
    loader(NothingToBoot, Final, 1, &["Shell> "]).by("edk2 ShellPkg, its prompt").prompt(),
    loader(NothingToBoot, Final, 1, &["No bootable device."]).by("SeaBIOS src/boot.c"),
    loader(NothingToBoot, Cause, 1, &["BdsDxe: failed to load Boot", ": Not Found"])
        .by("edk2 UefiBootManagerLib, no EFI/BOOT/BOOTX64.EFI")
        .unless(FIRMWARE_OPTIONS),
    loader(NothingToBoot, Cause, 1, &["Boot failed: "]).by("SeaBIOS src/boot.c, no code in the first sector"),
    loader(NothingToBoot, Cause, 1, &[">>Start "]).by("edk2 NetworkPkg, the disk's turn is over"),
    // Secure Boot.
    loader(SecureBootRefused, Cause, 4, &["BdsDxe: failed to ", ": Access Denied"])
        .by("edk2 SecurityPkg DxeImageVerificationLib")
        .unless(FIRMWARE_OPTIONS),
    loader(SecureBootRefused, Cause, 4, &["BdsDxe: failed to ", ": Security Violation"])
        .by("edk2 SecurityPkg DxeImageVerificationLib, older")
        .unless(FIRMWARE_OPTIONS),
    loader(SecureBootRefused, Cause, 4, &["Verification failed: ", "Security"]).by("shim shim.c"),
    loader(SecureBootRefused, Cause, 4, &["Verifying shim SBAT data failed"]).by("shim shim.c, the shim is revoked"),
    loader(SecureBootRefused, Cause, 4, &["SBAT self-check failed"]).by("shim shim.c, the shim is revoked"),
    loader(SecureBootRefused, Cause, 4, &["bad shim signature"]).by("GRUB kern/efi/sb.c, the kernel's signature"),
    loader(SecureBootRefused, Cause, 4, &["bad shim loader signature"]).by("GRUB kern/efi/sb.c, since 2.13"),
    loader(SecureBootRefused, Cause, 4, &["shim_lock protocol not found"]).by("GRUB kern/efi/sb.c, GRUB without shim"),
    loader(SecureBootRefused, Cause, 4, &["prohibited by secure boot policy"]).by("GRUB kern/efi/sb.c"),
    loader(SecureBootRefused, Cause, 4, &["Secure Boot forbids loading module"]).by("GRUB of Debian and Ubuntu"),
    loader(SecureBootRefused, Cause, 4, &["Error loading ", "Access denied"]).by("systemd-boot src/boot/boot.c"),
    loader(SecureBootRefused, Cause, 4, &["Error loading ", "Security"]).by("systemd-boot src/boot/boot.c"),
    // Boot loaders.
    loader(BootLoaderError, Cause, 3, &["Failed to open \\EFI\\"]).by("shim shim.c, no second stage"),
    loader(BootLoaderError, Cause, 3, &["Failed to load image"]).by("shim shim.c, systemd-boot"),
    loader(BootLoaderError, Cause, 3, &["start_image() returned"]).by("shim shim.c, the second stage came back"),
    loader(BootLoaderError, Cause, 2, &["BdsDxe: failed to start Boot"])
        .by("edk2 UefiBootManagerLib, the boot loader came back")
        .unless(FIRMWARE_OPTIONS),
    loader(BootLoaderError, Cause, 3, &["error: "]).by("GRUB kern/err.c").unless(GRUB_ON_PURPOSE),
    loader(BootLoaderError, Final, 2, &["grub rescue>"])
        .by("GRUB kern/rescue_reader.c, its modules are missing")
        .prompt(),
    loader(BootLoaderError, Final, 2, &["Minimal BASH-like line editing is supported"])
        .by("GRUB normal/main.c, the prompt for lack of a menu"),
    loader(BootLoaderError, Final, 2, &["grub> "]).by("GRUB normal/main.c, the prompt for lack of a menu").prompt(),
    loader(BootLoaderError, Final, 2, &["Aborted. Press any key to exit."]).by("GRUB kern/misc.c, its abort").prompt(),
    loader(BootLoaderError, Final, 2, &["Failed to boot both default and fallback entries"])
        .by("GRUB normal/menu.c")
        .during(Stage::Firmware, Stage::Kernel),
    loader(BootLoaderError, Cause, 3, &["No loader found. Configuration files in"]).by("systemd-boot src/boot/boot.c"),
    loader(BootLoaderError, Cause, 3, &["Failed to execute "]).by("systemd-boot src/boot/boot.c"),
    loader(BootLoaderError, Cause, 3, &["Error loading "]).by("systemd-boot src/boot/boot.c"),
    // Between boot loader and kernel.
    loader(KernelNotReached, Hint, 1, &["Booting `"]).by("GRUB normal/menu.c, the entry is run"),
    loader(KernelNotReached, Hint, 1, &["Loading Linux "]).by("grub-mkconfig's 10_linux, an echo before `linux`"),
    loader(KernelNotReached, Hint, 1, &["Loading initial ramdisk "]).by("grub-mkconfig's 10_linux, before `initrd`"),
    loader(KernelNotReached, Final, 3, &["!!!! X64 Exception Type"])
        .by("edk2 UefiCpuPkg CpuExceptionHandlerLib, what was loaded crashed")
        .during(Stage::BootLoader, Stage::Kernel),
    loader(KernelNotReached, Final, 3, &["Synchronous Exception at 0x"])
        .by("edk2 ArmPkg DefaultExceptionHandlerLib, what was loaded crashed")
        .during(Stage::BootLoader, Stage::Kernel),
    loader(KernelNotReached, Cause, 3, &["EFI stub: ERROR: "])
        .by("Linux drivers/firmware/efi/libstub, the kernel could not be unpacked")
        .during(Stage::BootLoader, Stage::Kernel),
    loader(KernelNotReached, Final, 3, &["-- System halted"])
        .by("Linux arch/x86/boot/compressed/error.c, the kernel could not be unpacked")
        .during(Stage::BootLoader, Stage::Kernel),
    // The kernel.
    early(KernelPanic, Final, 2, &["Kernel panic - not syncing"])
        .by("Linux kernel/panic.c")
        .during(Stage::BootLoader, Stage::Target),
    // The root file system.
    early(RootNotFound, Cause, 3, &["ALERT!", "does not exist"]).by("initramfs-tools scripts/local"),
    early(RootNotFound, Cause, 3, &["Gave up waiting for root"]).by("initramfs-tools scripts/local"),
    early(RootNotFound, Cause, 3, &["Warning: /dev/", "does not exist"]).by("dracut's emergency hook"),
    early(RootNotFound, Cause, 3, &["timeout, still waiting for following initqueue hooks"])
        .by("dracut modules.d/99base/dracut-initqueue.sh"),
    early(RootNotFound, Cause, 3, &["Timed out waiting for device "]).by("systemd in the initramfs"),
    early(RootNotFound, Cause, 3, &["Dependency failed for sysroot.mount"]).by("systemd in the initramfs"),
    early(RootNotFound, Cause, 3, &["Dependency failed for /sysroot"]).by("systemd before 248 in the initramfs"),
    early(RootNotFound, Cause, 3, &["Dependency failed for initrd-root-device.target"]).by("systemd in the initramfs"),
    early(RootNotFound, Cause, 3, &["Failed to mount sysroot.mount"]).by("systemd in the initramfs"),
    early(RootNotFound, Cause, 3, &["Failed to mount /sysroot"]).by("systemd before 248 in the initramfs"),
    early(RootNotFound, Cause, 3, &["mount: mounting ", " failed: "])
        .by("busybox mount, in an initramfs of its own")
        .unless(&["on /proc failed", "on /sys failed", "on /dev failed", "on /run failed"]),
    early(RootNotFound, Cause, 3, &["mount: /sysroot: "]).by("util-linux mount, in an initramfs"),
    // ostree and composefs.
    early(OstreeFailed, Cause, 4, &["ostree-prepare-root: "]).by("ostree-prepare-root.c, err() and errx()"),
    early(OstreeFailed, Cause, 4, &["Failed to start ostree-prepare-root"]).by("systemd in the initramfs"),
    early(OstreeFailed, Cause, 4, &["Failed to start", "OSTree Prepare OS"]).by("systemd, ostree-prepare-root.service"),
    early(OstreeFailed, Cause, 4, &["No OSTree target; expected ostree="]).by("ostree-prepare-root.c, older"),
    early(OstreeFailed, Cause, 4, &["Failed to start", "bootc-root-setup"]).by("systemd, bootc's composefs root"),
    early(OstreeFailed, Cause, 4, &["Failed to start", "composefs-setup-root"]).by("systemd, composefs without ostree"),
    // The initramfs waits for somebody.
    early(InitramfsEmergency, Final, 1, &["Entering emergency mode"]).by("dracut modules.d/99base/dracut-lib.sh"),
    early(InitramfsEmergency, Final, 1, &["You are in emergency mode"]).by("systemd emergency.service"),
    early(InitramfsEmergency, Final, 1, &["Generating \"/run/initramfs/rdsosreport.txt\""]).by("dracut"),
    early(InitramfsEmergency, Final, 1, &["Dropping to a shell!"]).by("initramfs-tools scripts/functions"),
    early(InitramfsEmergency, Final, 1, &["(initramfs) "]).by("initramfs-tools, the prompt").prompt(),
    early(InitramfsEmergency, Final, 1, &["BusyBox v", "built-in shell"]).by("busybox ash, at its start"),
    early(InitramfsEmergency, Final, 1, &["for maintenance"]).by("util-linux and systemd sulogin").prompt(),
    early(InitramfsEmergency, Final, 1, &["the root account is locked"]).by("util-linux sulogin"),
    // The system itself waits for somebody.
    early(UnitsFailed, Final, 5, &["You are in emergency mode"])
        .by("systemd emergency.service")
        .during(Stage::Systemd, Stage::Target),
    early(UnitsFailed, Final, 5, &["Give root password for maintenance"])
        .by("util-linux sulogin")
        .prompt()
        .during(Stage::Systemd, Stage::Target),
    early(UnitsFailed, Final, 5, &["Press Enter for maintenance"])
        .by("util-linux sulogin")
        .prompt()
        .during(Stage::Systemd, Stage::Target),
    early(UnitsFailed, Final, 5, &["the root account is locked"])
        .by("util-linux sulogin")
        .prompt()
        .during(Stage::Systemd, Stage::Target),
    // The machine ends. Whatever was seen before says more.
    early(Ended, Final, 0, &["reboot: Restarting system"])
        .by("Linux kernel/reboot.c")
        .during(Stage::Kernel, Stage::Target),
    early(Ended, Final, 0, &["reboot: Power down"]).by("Linux kernel/reboot.c").during(Stage::Kernel, Stage::Target),
    early(Ended, Final, 0, &["reboot: System halted"]).by("Linux kernel/reboot.c").during(Stage::Kernel, Stage::Target),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_has_words_and_a_source_and_can_be_met() {
        for mark in STAGES {
            assert!(!mark.words.is_empty() && !mark.source.is_empty(), "{mark:?}");
            assert!(mark.words.iter().chain(mark.unless).all(|words| !words.is_empty()), "{mark:?}");
            assert!(mark.from < mark.stage, "{mark:?}");
        }
        for mark in FAILURES {
            assert!(!mark.words.is_empty() && !mark.source.is_empty(), "{mark:?}");
            assert!(mark.words.iter().chain(mark.unless).all(|words| !words.is_empty()), "{mark:?}");
            assert!(mark.from <= mark.until, "{mark:?}");
        }
    }

    #[test]
    fn every_stage_but_the_first_has_a_mark() {
        for stage in &Stage::ALL[1..] {
            assert!(STAGES.iter().any(|mark| mark.stage == *stage), "{stage}");
        }
    }
}
