//! The command line of diskwright.
//!
//! ```text
//!  args ──► commands/* ──► builder
//!             │   └──► progress (stderr)
//!             └──► report: data to stdout; errors, hints and exit codes
//! ```

mod args;
mod commands;
mod exit;
mod interrupt;
mod page;
mod place;
mod progress;
mod report;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Arguments, Command};
use crate::exit::Exit;

fn main() -> ExitCode {
    // clap prints usage errors itself and leaves with 2, which is our code for them too.
    let arguments = Arguments::parse();
    let result = interrupt::install().and_then(|()| match &arguments.command {
        Command::Build(build) => commands::build::run(build).map(|()| Exit::Success),
        Command::Check(check) => commands::check::run(check),
        Command::Convert(convert) => commands::convert::run(convert).map(|()| Exit::Success),
        Command::Diff(diff) => commands::diff::run(diff),
        Command::Inspect(inspect) => commands::inspect::run(inspect).map(|()| Exit::Success),
        Command::Smoke(smoke) => commands::smoke::run(smoke),
        Command::Lint(lint) => commands::lint::run(lint),
        Command::Iso(iso) => commands::iso::run(iso),
        Command::Verify(verify) => commands::verify::run(verify),
    });
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => report::failure(&failure).into(),
    }
}
