//! `diskwright lint`.

mod page;

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use builder::Platform;
use builder::lint::{AllowList, Options, checks, registry_markdown};
use clap::ValueEnum as _;

use crate::args::{Lint, LintFormat};
use crate::exit::Exit;
use crate::progress;
use crate::report::{self, Failure};

/// More findings of one check than anybody reads.
const MOST: usize = 100_000;

/// Larger than any allow list, in bytes.
const ALLOW_LIMIT: u64 = 1 << 20;

pub(crate) fn run(arguments: &Lint) -> Result<Exit, Failure> {
    let format = format(arguments)?;
    // Without a source clap takes nothing but --list.
    let Some(source) = &arguments.source else { return list(format).map(|()| Exit::Success) };
    if format == LintFormat::Markdown {
        return Err(Failure::Usage {
            message: "--format markdown is for --list".to_owned(),
            hint: Some("for people there are --format text and --report FILE".to_owned()),
        });
    }
    let allow = allow_list(arguments)?;
    let options = Options::default();
    let options = if arguments.all { Options { most: MOST, ..options } } else { options };
    let platform = arguments.platform.clone().unwrap_or_else(|| Platform::host(std::env::consts::ARCH));
    let mut progress = progress::listener(&arguments.talk);
    let scratch = super::scratch_directory(None);
    let report = builder::lint::lint(source, &platform, allow, options, &scratch, progress.as_mut())?;
    if let Some(path) = &arguments.report {
        page::page(&report).write(path)?;
    }
    match format {
        // Markdown has been refused.
        LintFormat::Text | LintFormat::Markdown => report::text(&report.to_string()),
        LintFormat::Json => report::json(&report),
        LintFormat::Sarif => report::json(&report.sarif(env!("CARGO_PKG_VERSION"))),
        LintFormat::Junit => report::text(&report.junit(arguments.fail_on)),
        LintFormat::Github => report::text(&report.github()),
    }?;
    Ok(if report.fails(arguments.fail_on) { Exit::ValidationFailed } else { Exit::Success })
}

/// The form that was asked for, in one of two ways.
fn format(arguments: &Lint) -> Result<LintFormat, Failure> {
    match (arguments.talk.json, arguments.format) {
        (true, None | Some(LintFormat::Json)) => Ok(LintFormat::Json),
        (true, Some(other)) => {
            let other = other.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
            Err(Failure::Usage {
                message: format!("--json and --format {other} ask for two reports, and one is printed"),
                hint: Some("leave one of them out; --json is --format json".to_owned()),
            })
        }
        (false, format) => Ok(format.unwrap_or(LintFormat::Text)),
    }
}

/// Prints the checks with their documentation.
fn list(format: LintFormat) -> Result<(), Failure> {
    match format {
        LintFormat::Text | LintFormat::Markdown => report::text(&registry_markdown()),
        LintFormat::Json => report::json(&checks()),
        LintFormat::Sarif | LintFormat::Junit | LintFormat::Github => Err(Failure::Usage {
            message: "--list prints Markdown or JSON, and no report".to_owned(),
            hint: Some("use --format markdown or --format json".to_owned()),
        }),
    }
}

/// A list of checks that are allowed by name.
pub(crate) fn allowed(names: &[String]) -> Result<AllowList, Failure> {
    let mut list = AllowList::new();
    for name in names {
        list.allow("--allow", name)
            .map_err(|unknown| Failure::Usage { hint: Some(unknown.hint()), message: unknown.to_string() })?;
    }
    Ok(list)
}

fn allow_list(arguments: &Lint) -> Result<AllowList, Failure> {
    let mut list = allowed(&arguments.allow)?;
    for path in &arguments.allow_file {
        let text = text(path)?;
        list.read(&path.display().to_string(), &text)
            .map_err(|error| Failure::Usage { hint: error.hint(), message: error.to_string() })?;
    }
    Ok(list)
}

fn text(path: &Path) -> Result<String, Failure> {
    let unusable = |problem: &dyn std::fmt::Display| Failure::Usage {
        message: format!("cannot use {} for --allow-file: {problem}", path.display()),
        hint: Some("give a file with lines such as: setuid usr/bin/sudo  # needed".to_owned()),
    };
    // A pipe that nobody writes to would be waited for as soon as it is opened.
    if !fs::metadata(path).map_err(|error| unusable(&error))?.is_file() {
        return Err(unusable(&"it is not a regular file"));
    }
    let mut bytes = Vec::new();
    // One more than is taken, to see that there is more.
    let read = File::open(path).and_then(|file| file.take(ALLOW_LIMIT + 1).read_to_end(&mut bytes));
    read.map_err(|error| unusable(&error))?;
    if bytes.len() as u64 > ALLOW_LIMIT {
        return Err(unusable(&format!("it has more than {ALLOW_LIMIT} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| unusable(&"it is not UTF-8"))
}
