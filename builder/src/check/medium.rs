//! Arguments by which the initramfs of a medium finds that medium.

use super::named::{Named, unescaped, unseen};
use super::root::Arguments;
use super::step::Step;
use super::volumes::Volumes;

/// Kinds of sources that stand before the name of a file system (dracut.cmdline(7), Anaconda's boot options).
const KINDS: [&str; 4] = ["live", "hd", "cdrom", "disk"];

/// Looks up each file system that an argument names; `whose` is put before what is told.
pub(crate) fn walk(volumes: &Volumes, whose: &str, arguments: &Arguments<'_>, step: &mut Step) {
    for (key, value) in arguments.all() {
        let Some(value) = value else { continue };
        let Some(source) = source(key, value) else { continue };
        let what = format!("{whose}{key}={value}");
        match volumes.named(&source) {
            Named::Found(volume) => step.push(Step::right(format!("{what} is {}", volume.place))),
            Named::Missing => step.push(Step::broken(what, "no file system on the medium has it")),
            Named::Other(other) => step.push(Step::right(format!("{what} is {}", other.place))),
            Named::Unseen(places) => step.push(Step::warning(what, unseen(&places))),
            Named::Unknown => {}
        }
    }
}

/// The file system in the value of an argument: `LABEL=…`, `UUID=…` or a link below `/dev/disk`.
fn source(key: &str, value: &str) -> Option<String> {
    if key == "archisolabel" {
        return Some(format!("LABEL={value}"));
    }
    let value = value.split_once(':').filter(|(kind, _)| KINDS.contains(kind)).map_or(value, |(_, rest)| rest);
    let value = value.strip_prefix("CD").filter(|rest| rest.starts_with("LABEL=")).unwrap_or(value);
    let is_name =
        ["LABEL=", "UUID=", "/dev/disk/by-label/", "/dev/disk/by-uuid/"].iter().any(|begin| value.starts_with(begin));
    // A path in it may follow.
    is_name.then(|| unescaped(value.split(':').next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn the_file_system_is_found_in_arguments_of_each_kind() {
        for (key, value, expected) in [
            ("root", "live:CDLABEL=Fedora-40", Some("LABEL=Fedora-40")),
            ("root", "live:LABEL=My\\x20OS", Some("LABEL=My OS")),
            ("inst.stage2", "hd:LABEL=OS", Some("LABEL=OS")),
            ("inst.ks", "hd:LABEL=OS:/ks.cfg", Some("LABEL=OS")),
            ("inst.stage2", "hd:UUID=2024-01-01-00-00-00-00", Some("UUID=2024-01-01-00-00-00-00")),
            ("archisolabel", "ARCH", Some("LABEL=ARCH")),
            ("root", "/dev/disk/by-label/OS", Some("/dev/disk/by-label/OS")),
            ("root", "LABEL=a\\xzz", Some("LABEL=a\\xzz")),
            ("boot", "live", None),
            ("inst.repo", "https://example/os", None),
        ] {
            assert_eq!(source(key, value).as_deref(), expected, "{key}={value}");
        }
    }
}
