//! The JSON document: `ARTEFACT.smoke.json`, and what `--json` prints.
//!
//! ```text
//!  schema               1; grows with every change that a reader could stumble over
//!  tool                 name, version
//!  artefact, format     the file as it was named; raw, qcow2, vmdk or vhd
//!  accelerator          of the last machine: kvm or tcg;  why_not_kvm: a sentence, or null
//!  verdict, exit_code   of the worst machine
//!  machines[]           in the order of the boots:
//!    name, firmware, disk_bus, sector_size, arch, memory_mib, cpus, tpm, accelerator
//!    verdict, exit_code, summary, hint
//!    stage              the last one that was seen, or null
//!    seconds, limit_seconds
//!    timeline[]         stage, seconds, line (null for the start)
//!    evidence           null, or line, pattern, source, seconds
//!    last_lines[], qemu[]
//!    failed_units[]     names;  unit_reports[]: what systemd tells of the first five
//!    allowed_failed_units[]  names of those that may fail, and are not among the others
//!    units_asked        whether systemd was asked or told by itself, or the names are the console's
//!    notification       null, or what systemd told by itself: state, seconds, failed_units[]
//!    checks[]           name, outcome (passed, failed, not-asked), status (or null), text
//!    notes[]
//!    log, screenshot    file names beside this document; screenshot may be null
//! ```
//!
//! Times are in seconds from the start of QEMU. Names are those of the text, in lower case and with hyphens.

use std::path::Path;

use builder::DiskKind;
use builder_qemu::{Accelerator, Check, Sighting};
use serde::Serialize;

use super::arguments::Smoke;
use super::words::{self, seconds};
use super::{Outcome, exit};
use crate::exit::Exit;

const SCHEMA: u32 = 1;

#[derive(Serialize)]
pub(crate) struct Document<'a> {
    schema: u32,
    tool: Tool,
    artefact: &'a Path,
    format: &'static str,
    accelerator: &'static str,
    why_not_kvm: Option<&'a str>,
    verdict: &'static str,
    exit_code: u8,
    machines: Vec<Machine<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Machine<'a> {
    name: String,
    firmware: &'static str,
    disk_bus: &'static str,
    sector_size: u64,
    arch: String,
    memory_mib: u64,
    cpus: u16,
    tpm: bool,
    accelerator: &'static str,
    verdict: &'static str,
    exit_code: u8,
    summary: &'a str,
    hint: Option<String>,
    stage: Option<&'static str>,
    seconds: f64,
    limit_seconds: f64,
    timeline: Vec<Step<'a>>,
    evidence: Option<Evidence<'a>>,
    last_lines: &'a [String],
    qemu: &'a [String],
    failed_units: &'a [String],
    allowed_failed_units: &'a [String],
    unit_reports: &'a [String],
    units_asked: bool,
    notification: Option<Told<'a>>,
    checks: Vec<Asked<'a>>,
    notes: &'a [String],
    log: String,
    screenshot: Option<String>,
}

#[derive(Serialize)]
struct Step<'a> {
    stage: &'static str,
    seconds: f64,
    line: Option<&'a str>,
}

#[derive(Serialize)]
struct Evidence<'a> {
    line: &'a str,
    pattern: &'a str,
    source: &'a str,
    seconds: f64,
}

#[derive(Serialize)]
struct Told<'a> {
    state: &'a str,
    seconds: f64,
    failed_units: &'a [String],
}

#[derive(Serialize)]
struct Asked<'a> {
    name: &'a str,
    outcome: &'static str,
    status: Option<i32>,
    text: &'a str,
}

/// The document of these boots.
pub(crate) fn document<'a>(
    arguments: &'a Smoke,
    kind: DiskKind,
    why_not_kvm: Option<&'a str>,
    outcomes: &'a [Outcome],
    worst: Exit,
) -> Document<'a> {
    let of_worst = outcomes.iter().find(|outcome| exit(outcome.report.verdict) == worst);
    Document {
        schema: SCHEMA,
        tool: Tool { name: "diskwright", version: env!("CARGO_PKG_VERSION") },
        artefact: &arguments.artefact,
        format: kind.name(),
        accelerator: accelerator(outcomes.last().map_or(Accelerator::Tcg, |outcome| outcome.accelerator)),
        why_not_kvm,
        // There is at least one machine, and the worst of them has the code of the worst.
        verdict: of_worst.map_or("host-error", |outcome| outcome.report.verdict.name()),
        exit_code: worst as u8,
        machines: outcomes.iter().map(|outcome| machine(arguments, outcome)).collect(),
    }
}

fn machine<'a>(arguments: &'a Smoke, outcome: &'a Outcome) -> Machine<'a> {
    let report = &outcome.report;
    Machine {
        name: outcome.machine.to_string(),
        firmware: outcome.machine.firmware.name(),
        disk_bus: outcome.machine.disk_bus.name(),
        sector_size: outcome.machine.sector_size.bytes(),
        arch: arguments.arch.architecture().to_string(),
        memory_mib: arguments.memory.bytes() >> 20,
        cpus: arguments.cpus,
        tpm: arguments.tpm,
        accelerator: accelerator(outcome.accelerator),
        verdict: report.verdict.name(),
        exit_code: exit(report.verdict) as u8,
        summary: &report.summary,
        hint: words::hint(outcome),
        stage: report.stage().map(builder_qemu::Stage::name),
        seconds: seconds(report.took),
        limit_seconds: seconds(report.limit),
        timeline: report
            .timeline
            .iter()
            .map(|reached| Step {
                stage: reached.stage.name(),
                seconds: seconds(reached.at),
                line: reached.sighting.as_ref().map(|sighting| sighting.line.as_str()),
            })
            .collect(),
        evidence: report.evidence.as_ref().map(evidence),
        last_lines: &report.last_lines,
        qemu: &report.qemu,
        failed_units: &report.failed_units,
        allowed_failed_units: &report.allowed_failed_units,
        unit_reports: &report.unit_reports,
        units_asked: report.units_asked,
        notification: report.notification.as_ref().map(|told| Told {
            state: &told.state,
            seconds: seconds(told.at),
            failed_units: &told.failed_units,
        }),
        checks: report.checks.iter().map(asked).collect(),
        notes: &report.notes,
        log: file_name(&outcome.log),
        screenshot: outcome.screenshot.as_deref().map(file_name),
    }
}

fn evidence(sighting: &Sighting) -> Evidence<'_> {
    Evidence {
        line: &sighting.line,
        pattern: &sighting.pattern,
        source: sighting.source,
        seconds: seconds(sighting.at),
    }
}

fn asked(check: &Check) -> Asked<'_> {
    Asked { name: &check.name, outcome: check.outcome.name(), status: check.status, text: &check.text }
}

/// The name for programs.
pub(crate) fn accelerator(accelerator: Accelerator) -> &'static str {
    match accelerator {
        Accelerator::Kvm => "kvm",
        _ => "tcg",
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
