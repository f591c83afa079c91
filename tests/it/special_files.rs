//! Files that are none, where a disk or a medium is asked for.

use std::fs;
use std::process::Command;

use diskwright_tests::command::{Run, diskwright, program, target};
use diskwright_tests::image::real;
use diskwright_tests::judge::judge;

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    let source = real("mini");
    // With a record, so that `verify` comes to look at it.
    let _ = diskwright(path, ["build", &source, "-q", "-o", "fifo"]).succeeded();
    fs::remove_file(path.join("fifo")).unwrap();
    let _ = judge("mkfifo", [path.join("fifo")]).passed();
    for (arguments, what) in [
        (&["check", "fifo"][..], "fifo is a FIFO"),
        (&["check", "/dev/null"], "/dev/null is a character device"),
        (&["convert", "fifo", "-o", "out.raw"], "fifo is a FIFO"),
        (&["verify", "fifo"], "fifo is a FIFO"),
        (&["verify", "fifo", "--source", &source], "fifo is a FIFO"),
        (&["diff", "disk:fifo", &source], "fifo is a FIFO"),
        (&["smoke", "fifo"], "fifo is a FIFO"),
        (&["iso", "show", "fifo"], "fifo is a FIFO"),
    ] {
        let mut command = Command::new("timeout");
        command.arg("60").arg(program()).args(arguments).current_dir(path);
        let run = Run::from(command.output().unwrap());
        assert_eq!(run.code, Some(3), "{arguments:?}: {}{}", run.stdout, run.stderr);
        for words in [what, ", neither a regular file nor a block device", "hint: save what it gives to a file first"] {
            assert!(run.stderr.contains(words), "{arguments:?}: no `{words}` in {}", run.stderr);
        }
    }
}
