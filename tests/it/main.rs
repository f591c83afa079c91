//! Disks judged by the tools of others, and words that people see.
#![allow(missing_docs)]

mod bad_input;
mod disk;
mod dry_run;
mod floor_plan;
mod inspect;
mod outputs;
mod reproducible;
mod unprivileged;
