//! Media as the kernel reads them.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use builder_iso9660::Options;
use tempfile::TempDir;

use crate::judge::{Is, TIME, comparable, everything, far, image, options};

/// A mount that ends with the value.
pub(crate) struct Mount(pub(crate) TempDir);

/// Mounts for reading; `None` where the kernel has no iso9660. Where it has, in CI not to mount is a failure.
pub(crate) fn mount(image: &Path, options: &str) -> Option<Mount> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("mount");
    command.args(["-t", "iso9660", "-o", &format!("loop,ro{options}")]).arg(image).arg(directory.path());
    let output = command.output().expect("install the Debian package `mount`");
    if output.status.success() {
        return Some(Mount(directory));
    }
    let text = String::from_utf8_lossy(&output.stderr);
    // The mount has loaded the module, where there is one.
    let known = fs::read_to_string("/proc/filesystems").unwrap().contains("iso9660");
    assert!(!known || std::env::var_os("CI").is_none(), "the kernel does not mount it: {text}");
    #[expect(clippy::print_stderr, reason = "says that the test did not look")]
    {
        eprintln!("not mounted, as that is not permitted here: {text}");
    }
    None
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn the_kernel_reads_what_went_in() {
    let plain = Options { joliet: false, boot: Default::default(), ..options() };
    for (specs, options, place) in
        [(everything(), options(), ""), (everything(), options(), ",offset=32768"), (far(), plain, "")]
    {
        let image = image(&specs, &options);
        let Some(mounted) = mount(image.path(), place) else { return };
        for (path, spec) in &specs {
            let at = mounted.0.path().join(path);
            let stat = fs::symlink_metadata(&at).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!(stat.mode() & 0o7777, u32::from(spec.metadata.mode), "{path}");
            assert_eq!((stat.uid(), stat.gid()), (spec.metadata.uid, spec.metadata.gid), "{path}");
            assert_eq!(stat.mtime(), i64::try_from(TIME).unwrap(), "{path}");
            match &spec.is {
                Is::Directory => assert!(stat.is_dir(), "{path}"),
                Is::File(_, bytes) => {
                    assert!(comparable(path, &fs::read(&at).unwrap()) == comparable(path, bytes), "{path}");
                }
                Is::Symlink(target) => assert_eq!(fs::read_link(&at).unwrap(), Path::new(target), "{path}"),
            }
        }
        let tops = fs::read_dir(mounted.0.path()).unwrap().count();
        assert_eq!(tops, specs.keys().filter(|path| !path.contains('/')).count());
    }
}
