//! Why answers cannot be put into a system.

use std::io;

/// Why answers cannot be put into a system. Only [`Io`](Self::Io) can come when something was changed already.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// The kernel refuses something.
    #[error("cannot {operation} {path}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what, from the root of the file system.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The manifest names a directory that is not there.
    #[error("the system has no directory {path}, of which the medium's manifest speaks")]
    Directory {
        /// From the root of the file system.
        path: String,
    },
    /// A file is not what it should be.
    #[error("{path} {problem}")]
    File {
        /// From the root of the deployment.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A link would lead what is written somewhere else.
    #[error("{path} is a link to {target}, which is not in /etc")]
    LinkOut {
        /// From the root of the deployment.
        path: String,
        /// Where it leads.
        target: String,
    },
    /// The system forgets `/etc`.
    #[error(
        "the image makes /etc anew at every boot ([etc] transient in prepare-root.conf), so nothing set there would stay"
    )]
    TransientEtc,
    /// A time zone that the image does not have.
    #[error("the image has no time zone {name}")]
    NoTimezone {
        /// As asked for.
        name: String,
    },
    /// A program that is asked for or needed.
    #[error("the image has no {program}, {needed}")]
    NoProgram {
        /// Its path or name.
        program: String,
        /// What it is needed for.
        needed: String,
    },
    /// A name that is taken.
    #[error("the image has a {kind} {name} already, in {file}")]
    Taken {
        /// `user` or `group`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The file.
        file: String,
    },
    /// A number that is taken.
    #[error("user {name} cannot have the id {id}: the image gives it to somebody else")]
    IdTaken {
        /// Who was to have it.
        name: String,
        /// The number.
        id: u32,
    },
    /// All numbers are taken.
    #[error("there is no free id for user {name} in {least} to {most}")]
    NoId {
        /// Who was to have one.
        name: String,
        /// First that was looked at.
        least: u32,
        /// Last that was looked at.
        most: u32,
    },
    /// A group that is not there.
    #[error("user {user} cannot be in the group {group}, which the image does not have; it has {there}")]
    NoGroup {
        /// Who was to be in it.
        user: String,
        /// The group.
        group: String,
        /// Those that are there.
        there: String,
    },
    /// There is nothing to append kernel arguments to.
    #[error("there is no boot entry in {path} to add kernel arguments to")]
    NoEntries {
        /// The directory.
        path: String,
    },
    /// `/boot` was not mounted.
    #[error(
        "/boot is a partition of its own, and is not mounted: kernel arguments cannot be added to its boot entries"
    )]
    NoBoot,
}

impl ProvisionError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoTimezone { .. } => Some("leave `timezone` out, or put the package tzdata into the image"),
            Self::NoProgram { .. } => Some("put it into the image, or change the answer"),
            Self::Taken { .. } => Some("take another name, or leave the user out and use the image's"),
            Self::IdTaken { .. } => Some("leave `uid` out: the first that is free is taken"),
            Self::NoGroup { .. } => Some("make the group in the image, or leave it out of `groups`"),
            Self::TransientEtc => Some("build these settings into the image"),
            Self::File { .. } | Self::LinkOut { .. } => {
                Some("the image was built so: change it there, or leave the answer out")
            }
            Self::Io { .. } | Self::Directory { .. } | Self::NoId { .. } | Self::NoEntries { .. } | Self::NoBoot => {
                None
            }
        }
    }
}
