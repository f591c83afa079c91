//! The files of modules that are there, whatever the lists say.

use std::collections::BTreeSet;

use crate::name::module_name;
use crate::{ModuleFiles, ReadError};

/// Names in all directories together. A distribution's kernel has some 6,000.
const MAX_NAMES: u64 = 500_000;
/// Directories inside of each other. Kernels have up to 8.
const MAX_DEPTH: usize = 16;

/// Paths of all files that are modules by their names, relative to `directory`.
///
/// As for `depmod`, `build` and `source` are left out: they lead to the sources that modules are built with.
pub(crate) fn modules(files: &dyn ModuleFiles, directory: &str) -> Result<BTreeSet<String>, ReadError> {
    let mut found = BTreeSet::new();
    let mut names_left = MAX_NAMES;
    let mut open = vec![(String::new(), 0)];
    while let Some((below, depth)) = open.pop() {
        let path = if below.is_empty() { directory.to_owned() } else { format!("{directory}/{below}") };
        let names = files.names(&path).map_err(|source| ReadError::Read { path: path.clone(), source })?;
        let Some(names) = names else {
            if depth == 0 {
                return Err(ReadError::NoDirectory { path });
            }
            continue;
        };
        names_left = names_left.checked_sub(names.len() as u64).ok_or_else(|| ReadError::TooMuch {
            path: directory.to_owned(),
            what: "names in it and below",
            limit: MAX_NAMES,
        })?;
        for name in names {
            // No list could name it.
            let Ok(name) = String::from_utf8(name) else { continue };
            let is_module = module_name(&name).is_some();
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            if is_module {
                found.insert(path);
            } else if name != "build" && name != "source" && depth < MAX_DEPTH {
                // Whether it is a directory shows when its names are asked for.
                open.push((path, depth + 1));
            }
        }
    }
    Ok(found)
}
