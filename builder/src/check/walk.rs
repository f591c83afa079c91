//! The boot walk: from the firmware to the menu, as the programs on the disk would go.

use builder_boot::vendor;
use builder_grub::{DeviceId, FileRef, GrubStart, Machine as _, Menu, SystemdStart, follow_grub, follow_systemd_boot};
use builder_pe::{Machine, PeFile};

use super::entry;
use super::fallback;
use super::grub_program::GrubProgram;
use super::iso::DISC;
use super::named::unseen;
use super::step::Step;
use super::trust::Trust;
use super::unified;
use super::volumes::{Body, PROGRAM, Volumes};
use crate::secure_boot::Judge;

/// Where firmware looks on a drive that it has no entry for. UEFI 2.10, section 3.5.1.1.
const REMOVABLE: &str = "/EFI/BOOT";

/// Most of the menu's entries that are walked; more are counted.
const MOST_ENTRIES: usize = 32;

/// Where a program runs: the file systems of the machine, the one that the program is in, the one that GRUB takes for its
/// own, and the processor.
#[derive(Clone, Copy)]
struct Start<'v> {
    volumes: &'v Volumes,
    device: DeviceId,
    grub: DeviceId,
    machine: Machine,
}

/// Walks from each ESP of a disk on.
pub(crate) fn walk(volumes: &Volumes) -> Vec<Step> {
    let steps = programs(volumes, None);
    if steps.is_empty() { vec![Step::broken("firmware", nothing("ESP"))] } else { steps }
}

/// Walks a medium as firmware sees it in a drive for discs, and as it sees it on a stick.
pub(crate) fn medium(disc: &Volumes, stick: &Volumes) -> Vec<Step> {
    // UEFI 2.10, section 13.3.2.1: the disc itself is the device of its boot images, and GRUB asks for the device.
    let ways = [
        ("as a disc", disc, Some(DISC), "UEFI image in the boot catalogue"),
        ("as a USB stick", stick, None, "partition for UEFI"),
    ];
    let boots = ways.iter().any(|(_, volumes, ..)| volumes.all.iter().any(|volume| volume.is_esp));
    ways.into_iter()
        .map(|(what, volumes, device, place)| {
            let steps = programs(volumes, device);
            if !steps.is_empty() {
                return Step::right(what).with(steps);
            }
            // It may be meant for one of the two.
            let is_meant = !boots || volumes.all.iter().any(|volume| volume.is_esp);
            let told = if is_meant { Step::broken } else { Step::warning };
            told(what.to_owned(), nothing(place))
        })
        .collect()
}

fn nothing(place: &str) -> String {
    format!("there is no {place} with a program such as /EFI/BOOT/BOOTX64.EFI, so firmware finds nothing to boot")
}

/// The programs that firmware starts by itself; `grub` is the device of GRUB where it is not that of the programs.
fn programs(volumes: &Volumes, grub: Option<DeviceId>) -> Vec<Step> {
    let mut steps = Vec::new();
    for volume in volumes.all.iter().filter(|volume| volume.is_esp) {
        let device = volume.device.id;
        let names = match volumes.list(device, REMOVABLE) {
            Ok(names) => names.unwrap_or_default(),
            Err(error) => {
                steps.push(Step::broken(format!("{} (ESP)", volume.place), error));
                continue;
            }
        };
        for machine in [Machine::X86_64, Machine::Aarch64, Machine::Ia32, Machine::Arm, Machine::Riscv64] {
            let Some(wanted) = machine.removable_name() else { continue };
            if let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(wanted)) {
                let path = format!("{REMOVABLE}/{name}");
                let mut step = Step::right(format!("firmware ({machine}) starts {path} of {}", volume.place));
                let start = Start { volumes, device, grub: grub.unwrap_or(device), machine };
                step.push(program(start, &path, &Trust::new()));
                steps.push(step);
            }
        }
    }
    steps
}

/// A program of the firmware, and where it leads.
fn program(start: Start<'_>, path: &str, trust: &Trust<'_>) -> Step {
    let Start { volumes, device, grub, machine } = start;
    let bytes = match volumes.read(device, path, PROGRAM) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Step::broken(path, "it is not there"),
        Err(error) => return Step::broken(path, error),
    };
    let parsed = match PeFile::parse(&bytes) {
        Ok(parsed) => parsed,
        Err(error) => return Step::broken(path, format!("it is no program of the firmware: {error}")),
    };
    if parsed.machine() != machine {
        return Step::broken(path, format!("it is for {}, and is started on {machine}", parsed.machine()));
    }
    let (judged, trust) = trust.behind(&parsed, path);
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    match parsed.shim() {
        Ok(None) => {}
        Ok(Some(shim)) => {
            // Shims before SBAT do not ask for it.
            let judge = Judge::Shim { shim: &shim, needs_sbat: matches!(parsed.sbat(), Ok(Some(_))) };
            let trust = trust.with_judge(judge);
            let next = behind_shim(start, path, folder, &trust);
            return Step::right(format!("{path} is shim")).with([judged, next]);
        }
        Err(error) => return Step::broken(format!("{path} is shim"), error),
    }
    if path == fallback_path(machine) {
        let step = Step::right(format!("{path} makes boot entries"));
        return step.with([judged, behind_fallback(start, path, &trust)]);
    }
    if unified::is_one(&parsed) {
        let step = Step::right(format!("{path} is a kernel with its initramfs")).with([judged]);
        return unified::walk(volumes, device, path, &parsed, "", step);
    }
    if is_systemd_boot(&parsed) {
        let start = SystemdStart {
            esp: device,
            xbootldr: volumes.all.iter().find(|volume| volume.is_xbootldr()).map(|volume| volume.device.id),
            architecture: suffix(machine),
            last: None,
        };
        let menu = follow_systemd_boot(volumes, &start).map_err(|error| error.to_string());
        return Step::right(format!("{path} is systemd-boot"))
            .with([judged, self::menu(volumes, menu, machine, &trust)]);
    }
    let Some(program) = GrubProgram::read(&bytes, &parsed, &mut volumes.store.borrow_mut()) else {
        return Step::note(path, "it is neither shim, GRUB, systemd-boot nor a unified kernel; the walk ends here")
            .with([judged]);
    };
    // What begins with a device is in the program itself.
    let prefix = program.prefix.rsplit_once(')').map_or(program.prefix.as_str(), |(_, prefix)| prefix);
    let mut start = GrubStart::new(grub, prefix, vendor::has_blscfg(&bytes));
    start.processor = grub_name(machine).to_owned();
    start.folder = folder.to_owned();
    start.embedded = program.configuration;
    let menu = follow_grub(volumes, &start).map_err(|error| error.to_string());
    Step::right(format!("{path} is GRUB, which looks in {}", program.prefix))
        .with([judged, self::menu(volumes, menu, machine, &trust)])
}

/// What the shim at `path` starts.
fn behind_shim(start: Start<'_>, path: &str, folder: &str, trust: &Trust<'_>) -> Step {
    let fallback = fallback_path(start.machine);
    if folder.eq_ignore_ascii_case(REMOVABLE) {
        match start.volumes.look(start.device, &fallback) {
            Ok(None) => {}
            Ok(Some(_)) => return program(start, &fallback, trust),
            Err(error) => return Step::broken(fallback, error),
        }
    }
    let second = format!("{folder}/grub{}.efi", suffix(start.machine));
    if path.eq_ignore_ascii_case(&second) {
        return Step::broken(second, "it is a shim where GRUB should be, and starts itself without an end");
    }
    program(start, &second, trust)
}

/// What the program at `path`, which makes boot entries, starts.
fn behind_fallback(start: Start<'_>, path: &str, trust: &Trust<'_>) -> Step {
    let suffix = suffix(start.machine);
    match fallback::first(start.volumes, start.device, &suffix) {
        Ok(Some((list, next))) => Step::right(format!("{path} starts the first line of {list}")).with([program(
            start,
            &next,
            &trust.with_judge(Judge::Firmware),
        )]),
        Ok(None) => {
            let reason = format!("no directory beside {REMOVABLE} has a list BOOT{}.CSV", suffix.to_uppercase());
            Step::broken(path, reason)
        }
        Err(error) => Step::broken(path, error),
    }
}

/// Where shim looks for the program that makes boot entries.
fn fallback_path(machine: Machine) -> String {
    format!("{REMOVABLE}/fb{}.efi", suffix(machine))
}

/// How names of programs for a machine end: `x64`, as in `BOOTX64.EFI`.
fn suffix(machine: Machine) -> String {
    let name = machine.removable_name().unwrap_or_default();
    name.trim_start_matches("BOOT").trim_end_matches(".EFI").to_lowercase()
}

/// What GRUB calls the processor.
fn grub_name(machine: Machine) -> &'static str {
    match machine {
        Machine::Aarch64 => "arm64",
        Machine::Ia32 => "i386",
        Machine::Arm => "arm",
        Machine::Riscv64 => "riscv64",
        _ => "x86_64",
    }
}

/// systemd-boot says so in a section of its own (systemd, `src/boot/efi/boot.c`).
fn is_systemd_boot(program: &PeFile<'_>) -> bool {
    const WORDS: &[u8] = b"LoaderInfo: systemd-boot";
    program
        .section(".sdmagic")
        .is_some_and(|section| section.content().windows(WORDS.len()).any(|window| window == WORDS))
}

/// The menu and its entries.
fn menu(volumes: &Volumes, menu: Result<Menu, String>, machine: Machine, trust: &Trust<'_>) -> Step {
    let menu = match menu {
        Ok(menu) => menu,
        Err(error) => return Step::broken("configuration", error),
    };
    let files: Vec<String> = menu.files.iter().map(FileRef::to_string).collect();
    let files = if files.is_empty() { "none".to_owned() } else { files.join(", ") };
    let what = format!("configuration: {files}");
    let mut step = Step::right(what);
    for problem in &menu.problems {
        // Of what is left out, only a unified kernel was certainly meant to be an entry.
        let is_unified = problem.place.file.to_ascii_lowercase().ends_with(".efi");
        let told = if is_unified { Step::broken } else { Step::warning };
        step.push(told(problem.place.to_string(), &problem.text));
    }
    for unknown in &menu.unknown {
        step.push(Step::warning(unknown.place.to_string(), format!("nobody knows the command `{}`", unknown.word)));
    }
    let trust = trust.of_loader();
    if menu.entries.is_empty() {
        step.push(match volumes.boot_elsewhere().filter(|_| !menu.problems.is_empty()) {
            Some(places) => Step::warning("menu", unseen(&places)),
            None => Step::broken("menu", "it has no entry, so nothing is started"),
        });
    }
    if menu.default.is_none() && !menu.entries.is_empty() {
        step.push(Step::broken("menu", "no entry is the default, so nothing is started by itself"));
    }
    for (number, found) in menu.entries.iter().enumerate().take(MOST_ENTRIES) {
        step.push(entry::entry(volumes, found, menu.default == Some(number), machine, &trust));
    }
    if menu.entries.len() > MOST_ENTRIES {
        step.push(Step::note("menu", format!("{} more entries are not walked", menu.entries.len() - MOST_ENTRIES)));
    }
    step
}

impl super::volumes::Volume {
    /// Whether it may be the extended boot partition: another FAT file system.
    fn is_xbootldr(&self) -> bool {
        !self.is_esp && matches!(self.body, Body::Fat(_))
    }
}
