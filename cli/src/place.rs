//! Where the files of a disk go.

use std::path::{Path, PathBuf};

use builder::{BuildError, Formats, PendingDirectory, PendingFile};

use crate::args::FormatArguments;
use crate::report::Failure;

/// A file, or a directory for files of the usual names.
pub(crate) struct Place {
    path: PathBuf,
    is_directory: bool,
    /// Made for this run; goes again if the run fails.
    _made: Option<PendingDirectory>,
}

impl Place {
    /// What `-o` stands for; makes the directory that several files need.
    pub(crate) fn of(arguments: &FormatArguments) -> Result<Self, Failure> {
        let several = arguments.types.len() > 1;
        let Some(path) = arguments.output.clone() else {
            return Ok(Self { path: PathBuf::from("."), is_directory: true, _made: None });
        };
        let is_directory = path.is_dir();
        if several && !is_directory {
            if path.symlink_metadata().is_ok() {
                return Err(Failure::Usage {
                    message: format!(
                        "{} is a file, but {} types need a directory",
                        path.display(),
                        arguments.types.len()
                    ),
                    hint: Some("give a directory with -o; it is made where it is missing".to_owned()),
                });
            }
            let made = PendingDirectory::create(&path).map_err(BuildError::from)?;
            return Ok(Self { path, is_directory: true, _made: Some(made) });
        }
        Ok(Self { path, is_directory, _made: None })
    }

    /// The directory that the files will be in.
    pub(crate) fn directory(arguments: &FormatArguments) -> PathBuf {
        match &arguments.output {
            None => PathBuf::from("."),
            Some(path) if path.is_dir() => path.clone(),
            Some(path) => match path.parent() {
                Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
                Some(parent) => parent.to_owned(),
                None => path.clone(),
            },
        }
    }

    /// Begins a file for each format.
    pub(crate) fn begin(&self, formats: &Formats) -> Result<Vec<PendingFile>, BuildError> {
        let path = |name: &str| if self.is_directory { self.path.join(name) } else { self.path.clone() };
        let begin = |path: &Path| PendingFile::create(path).map_err(BuildError::from);
        formats.formats.iter().map(|format| begin(&path(format.file_name()))).collect()
    }
}
