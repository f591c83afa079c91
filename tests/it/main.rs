//! Disks judged by the tools of others, and words that people see.
#![allow(missing_docs)]

mod answers;
mod bad_days;
mod bad_input;
mod bios;
mod build_lint;
mod bundle;
mod check;
mod chunked;
mod convert;
mod device;
mod diff;
mod disk;
mod dry_run;
mod floor_plan;
mod formats;
mod inspect;
mod integrity;
mod judges;
mod large_media;
mod lint;
mod medium;
mod outputs;
mod page;
mod reproducible;
mod rollback;
mod sectors;
mod selinux;
mod smoke;
mod special_files;
mod ssh_keys;
mod uniqueness;
mod unprivileged;
mod verify;
