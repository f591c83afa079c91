//! Images that umoci, skopeo and buildah make.

use std::fs;
use std::path::Path;
use std::process::Command;

use builder_oci::{Image, ImageSource};

use crate::host::{need_root, run, umoci_unpack};
use crate::layout::{amd64, assert_same, dump, read};

fn umoci(layout: &Path, verb: &str, arguments: &[&str]) {
    run("umoci", Command::new("umoci").args([verb, "--image"]).arg(format!("{}:t", layout.display())).args(arguments));
}

/// An image of three layers, made by unpacking, changing and repacking.
fn umoci_image(directory: &Path) -> std::path::PathBuf {
    let layout = directory.join("layout");
    run("umoci", Command::new("umoci").args(["init", "--layout"]).arg(&layout));
    umoci(&layout, "new", &[]);
    let mut step = 0;
    let mut change = |shell: &str| {
        step += 1;
        let bundle = directory.join(format!("bundle{step}"));
        umoci(&layout, "unpack", &[bundle.to_str().unwrap()]);
        run("dash", Command::new("sh").args(["-ec", shell]).current_dir(bundle.join("rootfs")));
        umoci(&layout, "repack", &[bundle.to_str().unwrap()]);
    };
    change(
        "mkdir -p usr/bin etc/d var; echo a >usr/bin/a; ln usr/bin/a usr/bin/b; ln -s usr/bin bin; echo x >etc/d/x
         echo y >etc/d/y; mknod var/null c 1 3; mkfifo var/p; chown 70000:80000 etc/d/x; chmod 4711 usr/bin/a
         truncate -s 3M var/sparse; echo end >>var/sparse; touch -d @1500000000.123456789 etc/d/y",
    );
    change("rm -r etc/d; mkdir etc/d; echo new >etc/d/new; rm usr/bin/b; ln usr/bin/a usr/bin/c; chmod 700 var");
    change("rm bin; mkdir bin; echo real >bin/real; rm var/p; echo file >var/p; mv etc/d etc/e");
    layout
}

#[test]
fn images_of_umoci_and_their_copies_by_skopeo_are_the_tree_that_umoci_unpacks() {
    need_root();
    let directory = tempfile::tempdir().unwrap();
    let layout = umoci_image(directory.path());
    let wanted = dump(&umoci_unpack(&layout, "t"));
    assert!(wanted.lines().count() > 10, "{wanted}");
    let from = ImageSource::directory(&layout, Some("t"));
    let ours = read(&from).unwrap();
    assert_eq!(ours.layers.len(), 3);
    assert_same(&dump(&ours.merged), &wanted);
    let made = directory.path();
    for (name, options) in [
        ("archive", &["oci-archive:copy.tar"][..]),
        ("archive with a tag", &["oci-archive:copy.tar:quay.io/me/os:42"]),
        ("zstd", &["--dest-compress-format", "zstd", "oci:zstd:a:b"]),
        ("uncompressed", &["--dest-decompress", "oci:plain"]),
    ] {
        let mut command = Command::new("skopeo");
        command.args(["copy", "--insecure-policy"]).arg(from.to_string()).args(options).current_dir(made);
        let _ = fs::remove_file(made.join("copy.tar"));
        run("skopeo", &mut command);
        // What skopeo calls the copy is what we call it.
        let text = options.last().unwrap().replacen(':', &format!(":{}/", made.display()), 1);
        let source: ImageSource = text.parse().unwrap();
        assert_same(&dump(&read(&source).unwrap_or_else(|error| panic!("{name}: {error}")).merged), &wanted);
        let inspected = run("skopeo", Command::new("skopeo").args(["inspect", "--raw"]).arg(&text));
        let image = Image::open(&source, &amd64()).unwrap();
        assert_eq!(inspected.as_bytes(), image.manifest_bytes(), "{name}");
    }
}

#[test]
fn images_of_buildah_are_the_tree_that_umoci_unpacks() {
    need_root();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    fs::create_dir_all(directory.path().join("context/sub")).unwrap();
    fs::write(path("context/sub/file"), "body").unwrap();
    std::os::unix::fs::symlink("file", path("context/sub/link")).unwrap();
    let buildah = |arguments: &[&str]| {
        let mut command = Command::new("buildah");
        command.args(["--root", &path("root"), "--runroot", &path("run"), "--storage-driver", "vfs"]);
        run("buildah", command.args(arguments)).trim().to_owned()
    };
    let format = |format| {
        let container = buildah(&["from", "scratch"]);
        buildah(&["copy", &container, &path("context"), "/"]);
        buildah(&["copy", "--chown", "5:6", &container, &path("context/sub"), "/opt/again"]);
        buildah(&["config", "--label", "one=1", &container]);
        let target = format!("oci:{}:t", path(format));
        buildah(&[
            "commit",
            "--format",
            format,
            "--signature-policy",
            "/etc/containers/policy.json",
            &container,
            &target,
        ]);
        target
    };
    let source: ImageSource = format("oci").parse().unwrap();
    let image = Image::open(&source, &amd64()).unwrap();
    assert_eq!(image.labels().get("one").map(String::as_str), Some("1"));
    assert!(image.created().is_some());
    assert_same(&dump(&read(&source).unwrap().merged), &dump(&umoci_unpack(source.path(), "t")));
}
