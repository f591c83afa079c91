//! systemd-boot (`src/boot/boot.c`) and the Boot Loader Specification (UAPI.1).

use std::cmp::Ordering;

use crate::files::Files;
use crate::finish::entry_of;
use crate::limits::{ENTRIES, FILE_BYTES};
use crate::load::Loaded;
use crate::machine::single_slashes;
use crate::os_release::Names;
use crate::report::{Report, keep};
use crate::version::compare_versions;
use crate::{
    Chain, DeviceId, FileRef, FollowError, Kind, Machine, Menu, MenuEntry, Place, Remark, Timeout, Tries, glob,
};

/// Bytes of all files together.
const ALL_BYTES: u64 = 16 * FILE_BYTES;

/// systemd-boot, and where it was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemdStart {
    /// The ESP, from which it was loaded.
    pub esp: DeviceId,
    /// A partition of the type XBOOTLDR on the same disk, if there is one.
    pub xbootldr: Option<DeviceId>,
    /// The architecture as in the names of EFI programs: `x64`, `aa64`.
    pub architecture: String,
    /// What the firmware keeps as the entry that was started last (`LoaderEntryLastBooted`).
    pub last: Option<String>,
}

/// An entry before it is in its place.
struct Candidate {
    entry: MenuEntry,
    sort_key: Option<String>,
    machine_id: Option<String>,
    version: Option<String>,
}

/// Follows the configuration of systemd-boot, and returns the menu that it would show.
///
/// Unified kernels in `/EFI/Linux` stand among the other entries, sorted by what [`Machine::os_release`] says of them.
///
/// # Errors
/// [`FollowError::NoDevice`].
pub fn follow_systemd_boot(machine: &dyn Machine, start: &SystemdStart) -> Result<Menu, FollowError> {
    let mut reader =
        Reader { files: Files::new(machine), report: Report::default(), candidates: Vec::new(), bytes: 0, start };
    let mut devices = vec![start.esp];
    devices.extend(start.xbootldr);
    let names = devices
        .into_iter()
        .map(|id| match reader.files.devices().iter().find(|device| device.id == id) {
            Some(device) => Ok((id, device.name.clone())),
            None => Err(FollowError::NoDevice(id)),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let config = reader.loader_conf(&names[0]);
    for device in &names {
        reader.type_1(device);
    }
    for device in &names {
        reader.unified_kernels(device);
    }
    // Stable: entries that nothing tells apart stay in the order of their directory.
    reader.candidates.sort_by(compare);
    let Reader { mut report, candidates, .. } = reader;
    let entries: Vec<MenuEntry> = candidates.into_iter().map(|candidate| candidate.entry).collect();
    let pattern = match config.default.as_deref() {
        Some("@saved") => start.last.as_deref().map(str::to_lowercase),
        other => other.map(str::to_owned),
    };
    let chosen =
        pattern.as_deref().and_then(|pattern| entries.iter().position(|entry| glob::matches(pattern, &entry.id)));
    if let (Some(pattern), None, false) = (&pattern, chosen, entries.is_empty()) {
        report.note(config.place.clone(), format!("default {pattern}: no entry is called that, so the first is taken"));
    }
    if entries.is_empty() {
        report.problem(config.place, "there is no boot entry".to_owned());
    }
    Ok(Menu {
        default: chosen.or((!entries.is_empty()).then_some(0)),
        entries,
        fallback: Vec::new(),
        timeout: config.timeout,
        files: report.files,
        notes: report.notes,
        problems: report.problems,
        unknown: report.unknown,
        said: report.said,
        saved: Vec::new(),
    })
}

struct LoaderConf {
    default: Option<String>,
    timeout: Timeout,
    place: Place,
}

struct Reader<'m, 's> {
    files: Files<'m>,
    report: Report,
    candidates: Vec<Candidate>,
    bytes: u64,
    start: &'s SystemdStart,
}

type Named = (DeviceId, String);

impl Reader<'_, '_> {
    fn file(&self, (device, name): &Named, path: &str) -> FileRef {
        FileRef { device: *device, device_name: name.clone(), path: path.to_owned() }
    }

    /// A file's text; `None` where it is not there, or not readable, which is a problem.
    fn text(&mut self, file: &FileRef) -> Option<String> {
        let looked = self.files.look(file);
        let text = match looked {
            Ok(Some(Kind::File(_))) => self.files.read(file),
            Ok(_) => return None,
            Err(reason) => Err(reason),
        };
        let place = Place { file: file.to_string(), line: 0 };
        match text {
            Ok(bytes) => {
                self.bytes += bytes.len() as u64;
                if self.bytes > ALL_BYTES {
                    self.report.problem(place, format!("given up: more than {ALL_BYTES} bytes of entries"));
                    return None;
                }
                self.report.file(file.clone());
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            Err(reason) => {
                self.report.problem(place, reason);
                None
            }
        }
    }

    fn loader_conf(&mut self, esp: &Named) -> LoaderConf {
        let file = self.file(esp, "/loader/loader.conf");
        let place = |line| Place { file: file.to_string(), line };
        let mut config = LoaderConf { default: None, timeout: Timeout::Seconds(0), place: place(0) };
        let Some(text) = self.text(&file) else { return config };
        for (line, key, value) in key_values(&text) {
            match key {
                "default" if value.starts_with('@') && !value.eq_ignore_ascii_case("@saved") => {
                    self.report
                        .problem(place(line), format!("default {value}: no such special entry, so it is ignored"));
                }
                "default" => {
                    config.default = Some(value.to_lowercase());
                    config.place = place(line);
                }
                "timeout" => match value {
                    "menu-force" => config.timeout = Timeout::Forever,
                    "menu-hidden" | "menu-disabled" => config.timeout = Timeout::Seconds(0),
                    _ => match value.parse() {
                        Ok(seconds) => config.timeout = Timeout::Seconds(seconds),
                        Err(_) => {
                            self.report.problem(place(line), format!("timeout {value}: not a number, so it is ignored"))
                        }
                    },
                },
                _ => {}
            }
        }
        config
    }

    fn names(&mut self, directory: &FileRef, ending: &str) -> Vec<String> {
        let names = match self.files.list(directory) {
            Ok(names) => names.unwrap_or_default(),
            Err(reason) => {
                self.report.problem(Place { file: directory.to_string(), line: 0 }, reason);
                return Vec::new();
            }
        };
        let fits = |name: &String| !name.starts_with('.') && name.to_lowercase().ends_with(ending);
        let free = ENTRIES.saturating_sub(self.candidates.len());
        names.into_iter().filter(fits).take(free).collect()
    }

    fn type_1(&mut self, device: &Named) {
        let directory = self.file(device, "/loader/entries");
        for name in self.names(&directory, ".conf") {
            if name.to_lowercase().starts_with("auto-") {
                continue;
            }
            let file = self.file(device, &format!("/loader/entries/{name}"));
            let Some(text) = self.text(&file) else { continue };
            match self.candidate(device, &file, &name, &text) {
                Ok(candidate) => self.candidates.push(candidate),
                Err(remark) => keep(&mut self.report.problems, remark),
            }
        }
    }

    /// The entry in a file; an error says why systemd-boot leaves it out.
    fn candidate(&self, device: &Named, file: &FileRef, name: &str, text: &str) -> Result<Candidate, Remark> {
        let remark = |line, text: String| Remark { place: Place { file: file.to_string(), line }, text };
        let mut loaded = Loaded::default();
        let (mut title, mut sort_key, mut version, mut machine_id) = (None, None, None, None);
        let mut options: Vec<&str> = Vec::new();
        let mut initrds = Vec::new();
        let mut started: Option<(&str, usize, FileRef)> = None;
        for (line, key, value) in key_values(text) {
            match key {
                "title" => title = Some(value.to_owned()),
                "sort-key" => sort_key = Some(value.to_owned()),
                "version" => version = Some(value.to_owned()),
                "machine-id" => machine_id = Some(value.to_owned()),
                "options" => options.push(value),
                "initrd" => initrds.push((line, self.file(device, &entry_path(value)))),
                "devicetree" => loaded.devicetree = Some(self.file(device, &entry_path(value))),
                "linux" | "efi" | "uki" => {
                    if let Some((other, _, _)) = started.filter(|&(other, _, _)| other != key) {
                        return Err(remark(line, format!("{key} and {other} in one entry, so it is left out")));
                    }
                    started = Some((key, line, self.file(device, &entry_path(value))));
                }
                "architecture" if !value.eq_ignore_ascii_case(&self.start.architecture) => {
                    return Err(remark(
                        line,
                        format!("architecture {value}, so it is left out on {}", self.start.architecture),
                    ));
                }
                _ => {}
            }
        }
        let Some((key, line, program)) = started else {
            return Err(remark(0, "neither linux nor efi nor uki, so the entry is left out".to_owned()));
        };
        if !matches!(self.files.look(&program), Ok(Some(_))) {
            return Err(remark(
                line,
                format!("{key} {}: there is no {program}, so the entry is left out", program.path),
            ));
        }
        let mut problems = Vec::new();
        for (line, initrd) in initrds {
            match self.files.look(&initrd) {
                Ok(Some(Kind::File(_))) => loaded.initrds.push(initrd),
                Ok(_) => problems.push(remark(line, format!("initrd {}: there is no {initrd}", initrd.path))),
                Err(reason) => problems.push(remark(line, format!("initrd {}: {reason}", initrd.path))),
            }
        }
        match key {
            "linux" => loaded.kernel = Some(program),
            "uki" => loaded.chain = Some(Chain::UnifiedKernel(program)),
            _ => loaded.chain = Some(Chain::Program(program)),
        }
        loaded.arguments = options.join(" ");
        let id = name.to_lowercase();
        let title = title.unwrap_or_else(|| id.clone());
        let mut entry = entry_of(loaded, id, title, Place { file: file.to_string(), line });
        entry.fails = !problems.is_empty();
        entry.problems = problems;
        entry.tries = tries(name);
        Ok(Candidate { entry, sort_key, machine_id, version })
    }

    fn unified_kernels(&mut self, device: &Named) {
        let directory = self.file(device, "/EFI/Linux");
        for name in self.names(&directory, ".efi") {
            let file = self.file(device, &format!("/EFI/Linux/{name}"));
            let place = Place { file: file.to_string(), line: 0 };
            let names = match self.files.os_release(&file) {
                Ok(Some(text)) => Names::pick(&text).ok_or_else(|| "section .osrel names no system".to_owned()),
                Ok(None) => Err("section .osrel is not there".to_owned()),
                Err(reason) => Err(reason),
            };
            match names {
                Ok(Names { title, version, sort_key }) => {
                    let loaded = Loaded { chain: Some(Chain::UnifiedKernel(file)), ..Loaded::default() };
                    let mut entry = entry_of(loaded, name.to_lowercase(), title, place);
                    entry.tries = tries(&name);
                    self.candidates.push(Candidate { entry, sort_key, machine_id: None, version });
                }
                Err(reason) => self.report.problem(place, format!("{reason}, so it is left out")),
            }
        }
    }
}

/// Entries without tries last; then those with a sort key, by it, the machine and the version; the others by name.
fn compare(a: &Candidate, b: &Candidate) -> Ordering {
    let spent = |one: &Candidate| one.entry.tries.is_some_and(|tries| tries.left == 0);
    let text = |version: &Option<String>| version.clone().unwrap_or_default();
    let mut order = spent(a).cmp(&spent(b)).then_with(|| a.sort_key.is_none().cmp(&b.sort_key.is_none()));
    if a.sort_key.is_some() && b.sort_key.is_some() {
        order = order
            .then_with(|| a.sort_key.cmp(&b.sort_key))
            .then_with(|| a.machine_id.cmp(&b.machine_id))
            .then_with(|| compare_versions(&text(&b.version), &text(&a.version)));
    }
    order.then_with(|| compare_versions(&b.entry.id, &a.entry.id)).then_with(|| match (a.entry.tries, b.entry.tries) {
        (Some(one), Some(two)) => two.left.cmp(&one.left).then(one.done.cmp(&two.done)),
        _ => Ordering::Equal,
    })
}

/// The counter at the end of a name: `+LEFT` or `+LEFT-DONE` before the ending.
fn tries(name: &str) -> Option<Tries> {
    let (stem, _) = name.rsplit_once('.')?;
    let (_, counter) = stem.rsplit_once('+')?;
    let (left, done) = counter.split_once('-').unwrap_or((counter, "0"));
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|&number| digits && i32::try_from(number).is_ok())
    };
    Some(Tries { left: number(left)?, done: number(done)? })
}

/// A path of an entry, which may be written with backslashes and without the first slash.
fn entry_path(value: &str) -> String {
    single_slashes(&format!("/{}", value.replace('\\', "/")))
}

/// Lines of a key and a value, with their numbers; other lines are not read.
fn key_values(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let text = text.split('\0').next().unwrap_or_default();
    (1..).zip(text.split('\n')).filter_map(|(number, line)| {
        let line = line.trim_matches([' ', '\t', '\r']);
        if line.starts_with('#') {
            return None;
        }
        let (key, value) = line.split_once([' ', '\t'])?;
        let value = value.trim_start_matches([' ', '\t']);
        let unquoted = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
        Some((number, key, unquoted.unwrap_or(value)))
    })
}

#[cfg(test)]
mod tests {
    use super::tries;
    use crate::Tries;

    #[test]
    fn counters_are_at_the_end_of_names() {
        for (name, expected) in [
            ("ostree-1+3.conf", Some((3, 0))),
            ("ostree-1+2-1.conf", Some((2, 1))),
            ("a+b+0-3.efi", Some((0, 3))),
            ("ostree-1.conf", None),
            ("ostree+1-.conf", None),
            ("ostree+1x.conf", None),
            ("ostree+.conf", None),
            ("ostree++1.conf", Some((1, 0))),
            ("ostree+99999999999.conf", None),
        ] {
            assert_eq!(tries(name), expected.map(|(left, done)| Tries { left, done }), "{name}");
        }
    }
}
