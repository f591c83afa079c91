//! `diskwright smoke`: boots a disk in QEMU and says how that went.
//!
//! ```text
//!  arguments ──► machines: firmware x bus ──► builder_qemu::Smoke ──► report ──► text, JSON, JUnit, log, picture
//! ```

mod arguments;
mod documents;
mod files;
mod junit;
mod page;
mod unit_pattern;
mod words;

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::time::Duration;

use builder::{BuildError, DiskKind, open_disk};
use builder_qemu::{
    Accelerator, Credential, Disk, DiskFormat, Machine, QemuError, Reached, ScreenFormat, SectorSize, Smoke as Boot,
    SmokeReport, SoftwareTpm, Stage, Verdict, try_kvm,
};
use serde_json::json;

pub(crate) use arguments::Smoke;

use crate::args::{ProgressMode, Talk};
use crate::exit::Exit;
use crate::progress;
use crate::report::{self, Failure};
use arguments::{AccelChoice, MachineChoice};
use files::{Files, Log};

/// A boot, and what it was told.
pub(crate) struct Outcome {
    machine: MachineChoice,
    accelerator: Accelerator,
    report: SmokeReport,
    /// Names of the files beside it.
    log: PathBuf,
    screenshot: Option<PathBuf>,
}

/// How guest code runs, and why it does not run with KVM.
struct Acceleration {
    accelerator: Accelerator,
    why_not: Option<String>,
    /// KVM was asked for and is not to be had.
    refused: bool,
}

pub(crate) fn run(arguments: &Smoke) -> Result<Exit, Failure> {
    let memory_mib = arguments.memory_mib()?;
    // Also keeps QEMU from a file that leads it to other files of this machine: a backing file, or an extent.
    let disk = open_disk(&arguments.artefact).map_err(BuildError::from)?;
    let kind = disk.kind();
    let machines = arguments.machines(disk.sector_size())?;
    drop(disk);
    let mut files = Files::begin(arguments, &machines)?;
    let mut acceleration = Acceleration::choose(arguments);
    let mut warnings = progress::listener(&arguments.talk);
    if let Some(why) = &acceleration.why_not {
        warnings.warn(&format!("the processor is emulated, as KVM is not usable: {why}"));
    }
    let mut outcomes = Vec::new();
    for (machine, files) in machines.iter().zip(&mut files.machines) {
        let wish = Wish { arguments, kind, memory_mib, machine: *machine };
        let mut report = wish.boot(&acceleration, files)?;
        if acceleration.fails(arguments, &report) {
            let note = format!("with KVM it came to nothing ({}), so it was run again without", report.summary);
            acceleration =
                Acceleration { accelerator: Accelerator::Tcg, why_not: Some(report.summary), refused: false };
            warnings.warn(&note);
            files.log.start_anew()?;
            report = wish.boot(&acceleration, files)?;
            report.notes.push(note);
        }
        // A picture in another format would not be what its name says.
        if report.screenshot == Some(ScreenFormat::Ppm) {
            report.screenshot = None;
            report.notes.push("there is no screenshot: this QEMU cannot write PNG files".to_owned());
        }
        outcomes.push(Outcome {
            machine: *machine,
            accelerator: acceleration.accelerator,
            log: files.log.path(),
            screenshot: report.screenshot.and_then(|_| files.screenshot.as_ref().map(|file| file.path().to_owned())),
            report,
        });
    }
    let exit = worst(&outcomes);
    if let Some(pending) = &files.report {
        let pictures: Vec<_> = files.machines.iter().map(|files| files.screenshot.as_ref()).collect();
        page::page(arguments, kind.name(), &outcomes, &pictures, exit)?.write_to(pending)?;
    }
    let document = documents::document(arguments, kind, acceleration.why_not.as_deref(), &outcomes, exit);
    let places = files.complete(&document, &junit::document(arguments, &outcomes), &outcomes)?;
    if arguments.talk.json {
        report::json(&document)?;
    } else {
        report::text(&words::text(arguments, &outcomes, &places))?;
    }
    Ok(exit)
}

/// The exit code of the boot that came least far: of those that failed, the lowest.
fn worst(outcomes: &[Outcome]) -> Exit {
    let failed = outcomes.iter().map(|outcome| exit(outcome.report.verdict)).filter(|exit| *exit != Exit::Success);
    failed.min_by_key(|exit| *exit as u8).unwrap_or(Exit::Success)
}

/// The exit code of a verdict.
pub(crate) fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::TargetReached => Exit::Success,
        Verdict::HostError => Exit::HostError,
        Verdict::NothingToBoot => Exit::NothingToBoot,
        Verdict::SecureBootRefused => Exit::SecureBootRefused,
        Verdict::BootLoaderError => Exit::BootLoaderError,
        Verdict::KernelNotReached => Exit::KernelNotReached,
        Verdict::KernelPanic => Exit::KernelPanic,
        Verdict::InitramfsEmergency => Exit::InitramfsEmergency,
        Verdict::RootNotFound => Exit::RootNotFound,
        Verdict::OstreeFailed => Exit::OstreeFailed,
        Verdict::UnitsFailed => Exit::UnitsFailed,
        Verdict::CheckFailed => Exit::CheckFailed,
        Verdict::Ended => Exit::MachineEnded,
        Verdict::Timeout => Exit::TimedOut,
    }
}

impl Acceleration {
    /// Tries KVM where it may be used.
    fn choose(arguments: &Smoke) -> Self {
        let emulated = |why_not, refused| Self { accelerator: Accelerator::Tcg, why_not, refused };
        if arguments.accel == AccelChoice::Tcg {
            return emulated(None, false);
        }
        match try_kvm(arguments.arch.architecture()) {
            Ok(()) => Self { accelerator: Accelerator::Kvm, why_not: None, refused: false },
            Err(error) => emulated(Some(report::chain(&error)), arguments.accel == AccelChoice::Kvm),
        }
    }

    /// Whether a boot was lost to KVM that would have had to do without it.
    fn fails(&self, arguments: &Smoke, report: &SmokeReport) -> bool {
        arguments.accel == AccelChoice::Auto
            && self.accelerator == Accelerator::Kvm
            && report.verdict == Verdict::HostError
            && report.stage().is_some_and(|stage| stage <= Stage::Kernel)
    }
}

/// One machine as it was asked for.
struct Wish<'a> {
    arguments: &'a Smoke,
    kind: DiskKind,
    memory_mib: u32,
    machine: MachineChoice,
}

impl Wish<'_> {
    /// Boots it. That no machine could be started is a report, too.
    fn boot(&self, acceleration: &Acceleration, files: &files::MachineFiles) -> Result<SmokeReport, Failure> {
        if acceleration.refused {
            let why = acceleration.why_not.as_deref().unwrap_or_default();
            let hint = "--accel auto emulates the processor where KVM is not usable".to_owned();
            return Ok(SmokeReport::not_started(format!("KVM is not usable: {why}"), Some(hint)));
        }
        // QEMU finds a file that has no name yet as this process has it.
        let picture = files.screenshot.as_ref().map(|pending| pending.file()).transpose().map_err(BuildError::from)?;
        Ok(match self.try_boot(acceleration.accelerator, files.log.writer()?, picture.as_ref()) {
            Ok(report) => report,
            Err(error) => SmokeReport::host_error(&error),
        })
    }

    fn try_boot(&self, accelerator: Accelerator, log: Log, picture: Option<&File>) -> Result<SmokeReport, QemuError> {
        let arguments = self.arguments;
        let tpm = arguments.tpm.then(SoftwareTpm::start).transpose()?;
        let disk = Disk::new(&arguments.artefact, format(self.kind))
            .on(self.machine.disk_bus.bus())
            .sector_size(sectors(self.machine.sector_size));
        let mut builder = Machine::builder(arguments.arch.architecture())
            .accelerator(accelerator)
            .memory_mib(self.memory_mib)
            .cpus(arguments.cpus)
            .firmware(self.machine.firmware.firmware())
            .screen(arguments.screenshot)
            .notification(!arguments.no_notification)
            .disk(disk);
        if !arguments.no_login {
            // Those of agetty(8) and login(1) in util-linux.
            for (name, value) in [("agetty.autologin", "root"), ("login.noauth", "yes")] {
                builder = builder.credential(Credential::new(name, value)?);
            }
        }
        if let Some(tpm) = &tpm {
            builder = builder.tpm(tpm.control());
        }
        let limit = Duration::from_secs(arguments.timeout) * Boot::pace(accelerator);
        let mut boot = Boot::new(builder.build()?, limit).log_in(!arguments.no_login);
        if !arguments.allow_failed_unit.is_empty() {
            let allowed = arguments.allow_failed_unit.clone();
            boot = boot.allow_failed_units(move |unit| allowed.iter().any(|pattern| pattern.is_match(unit)));
        }
        for regex in &arguments.expect {
            let test = regex.clone();
            boot = boot.expect(regex.as_str(), move |line| test.is_match(line));
        }
        for unit in &arguments.expect_unit {
            boot = boot.expect_unit(unit);
        }
        for command in &arguments.run {
            boot = boot.run_command(command);
        }
        if let Some(file) = picture {
            boot = boot.screenshot(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()));
        }
        let name = self.machine.to_string();
        let mut tell = |reached: &Reached| tell(&arguments.talk, &name, reached);
        Ok(boot.run(log, &mut tell))
    }
}

fn format(kind: DiskKind) -> DiskFormat {
    match kind {
        DiskKind::Raw => DiskFormat::Raw,
        DiskKind::Qcow2 => DiskFormat::Qcow2,
        DiskKind::Vmdk => DiskFormat::Vmdk,
        DiskKind::Vhd => DiskFormat::Vhd,
    }
}

fn sectors(size: builder_block::SectorSize) -> SectorSize {
    match size {
        builder_block::SectorSize::Bytes512 => SectorSize::Bytes512,
        builder_block::SectorSize::Bytes4096 => SectorSize::Bytes4096,
    }
}

/// Tells of a stage on stderr.
fn tell(talk: &Talk, machine: &str, reached: &Reached) {
    let seconds = words::seconds(reached.at);
    let text = match talk.progress {
        _ if talk.quiet => return,
        ProgressMode::None => return,
        ProgressMode::Json => {
            let stage = reached.stage.name();
            json!({"event": "stage", "machine": machine, "stage": stage, "seconds": seconds}).to_string()
        }
        // A boot has no bar: nobody knows how much of it is left.
        ProgressMode::Auto | ProgressMode::Plain => format!("{machine}: {} after {seconds:.1} s", reached.stage),
    };
    // Progress that nobody can read is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{text}");
}
