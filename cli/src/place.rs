//! Where the files of a disk go.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use builder::{BuildError, Formats, OutputError, OutputFormat, PendingDirectory, PendingFile, PendingFiles};

use crate::args::FormatArguments;
use crate::report::Failure;

/// A file, or a directory for files of the usual names.
pub(crate) struct Place {
    path: PathBuf,
    is_directory: bool,
    /// It is a device, which is to be overwritten.
    is_device: bool,
    /// Made for this run; goes again if the run fails.
    _made: Option<PendingDirectory>,
}

impl Place {
    /// What `-o` stands for; makes the directory that several files need.
    pub(crate) fn of(arguments: &FormatArguments) -> Result<Self, Failure> {
        let several = arguments.types.len() > 1;
        if arguments.force_device {
            return match (&arguments.output, arguments.types.as_slice()) {
                (Some(path), [OutputFormat::Raw]) => {
                    Ok(Self { path: path.clone(), is_directory: false, is_device: true, _made: None })
                }
                (Some(_), _) => Err(Failure::Usage {
                    message: "--force-device writes a raw disk, and no other --type".to_owned(),
                    hint: Some("leave --type out, or write a file".to_owned()),
                }),
                (None, _) => Err(Failure::Usage {
                    message: "--force-device needs the device".to_owned(),
                    hint: Some("name it with -o, such as -o /dev/sdX".to_owned()),
                }),
            };
        }
        let path = match (&arguments.output, arguments.types.as_slice()) {
            (Some(path), _) => path.clone(),
            (None, [only]) => PathBuf::from(only.file_name()),
            (None, _) => PathBuf::from("."),
        };
        // The usual name may be a directory by chance; only one that was asked for takes files.
        let is_directory = path.is_dir() && (several || arguments.output.is_some());
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
            return Ok(Self { path, is_directory: true, is_device: false, _made: Some(made) });
        }
        Ok(Self { path, is_directory, is_device: false, _made: None })
    }

    /// The directory that the files will be in; `None` where a device takes the place of files.
    pub(crate) fn directory(arguments: &FormatArguments) -> Option<PathBuf> {
        if arguments.force_device {
            return None;
        }
        Some(match &arguments.output {
            None => PathBuf::from("."),
            Some(path) if path.is_dir() => path.clone(),
            Some(path) => match path.parent() {
                Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
                Some(parent) => parent.to_owned(),
                None => path.clone(),
            },
        })
    }

    /// Begins a file for each format, and for each of `documents` beside them.
    pub(crate) fn begin(&self, formats: &Formats, documents: &[&str]) -> Result<PendingFiles, BuildError> {
        if self.is_device {
            let disks = vec![PendingFile::overwrite_device(&self.path)?];
            return Ok(PendingFiles { disks, block_map: None, documents: Vec::new(), prefix: None });
        }
        let begin = |path: &Path| PendingFile::create(path).map_err(BuildError::from);
        let disk = |name: &str| if self.is_directory { self.path.join(name) } else { self.path.clone() };
        let prefix = (!self.is_directory).then(|| self.path.file_name()).flatten().map(ToOwned::to_owned);
        let beside =
            |name: OsString| begin(&self.path.parent().filter(|_| !self.is_directory).unwrap_or(&self.path).join(name));
        let disks = formats.formats.iter().map(|format| begin(&disk(format.file_name()))).collect::<Result<_, _>>()?;
        // What becomes a raw disk, by itself or by a decompressor on the way, can be copied with a map.
        let mapped = !documents.is_empty() && formats.formats.iter().any(|format| format.is_raw());
        let block_map = mapped.then(|| beside(builder::block_map_file_name(prefix.as_deref()))).transpose()?;
        let document = |name: &&str| beside(builder::document_file_name(prefix.as_deref(), name));
        let documents = documents.iter().map(document).collect::<Result<_, _>>()?;
        let pending = PendingFiles { disks, block_map, documents, prefix };
        let mut targets: Vec<&Path> = pending.iter().map(PendingFile::target).collect();
        targets.sort_unstable();
        // Names may be links that lead to one file.
        if let Some(twice) = targets.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(OutputError::Twice { path: twice[0].to_owned() }.into());
        }
        Ok(pending)
    }
}
