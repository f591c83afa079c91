//! The plan that is printed is the disk that is written.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use diskwright_tests::command::{diskwright, target};
use diskwright_tests::fixture::tiny;
use diskwright_tests::image::real;
use diskwright_tests::judge::judge;
use diskwright_tests::partition::{extract, partitions};
use serde_json::Value;

#[test]
fn a_dry_run_writes_nothing_and_forecasts_what_is_then_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    let before = fs::read_dir(path).unwrap().count();
    let dry = diskwright(path, ["build", &source, "--platform", "linux/amd64", "--dry-run", "--json"]).succeeded();
    assert_eq!(fs::read_dir(path).unwrap().count(), before, "a dry run wrote something");
    let plan: Value = serde_json::from_str(&dry.stdout).unwrap();
    let built = diskwright(path, ["build", &source, "--platform", "linux/amd64", "--json"]).succeeded();
    let result: Value = serde_json::from_str(&built.stdout).unwrap();
    assert_eq!(result["plan"], plan, "the build did not do what the dry run said");

    let disk = path.join("disk.raw");
    let metadata = fs::metadata(&disk).unwrap();
    assert_eq!(plan["disk"]["size"].as_u64().unwrap(), metadata.len());
    let (forecast, real) = (plan["forecast"]["output"].as_u64().unwrap(), metadata.blocks() * 512);
    assert!(real.abs_diff(forecast) * 20 <= forecast, "forecast {forecast}, on disk {real}");
    for (planned, real) in plan["disk"]["partitions"].as_array().unwrap().iter().zip(partitions(&disk)) {
        assert_eq!(planned["offset"], real.offset);
        assert_eq!(planned["size"], real.size);
        assert_eq!(planned["name"], real.name);
        assert_eq!(planned["type_guid"], real.type_guid);
    }
    let root = extract(&disk, "root", path);
    let header = judge("dumpe2fs", ["-h".as_ref(), root.as_os_str()]).passed().stdout;
    assert!(header.contains(plan["disk"]["partitions"][1]["uuid"].as_str().unwrap()), "{header}");
    let entry = plan["boot"]["entry"].as_str().unwrap();
    let request = format!("cat {entry}");
    let text = judge("debugfs", ["-R".as_ref(), request.as_ref(), root.as_os_str()]).passed().stdout;
    assert!(text.contains(&format!("options {}\n", plan["boot"]["options"].as_str().unwrap())), "{text}");
}

#[test]
fn several_formats_need_scratch_for_the_largest_of_them() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let source = real("mini");
    for types in [&["raw", "qcow2"][..], &["qcow2", "raw.zst"], &["vmdk", "raw.gz"], &["gce", "container-disk"]] {
        let mut arguments = vec!["build", &source, "--quiet", "--json", "--no-bundle", "-o", "out"];
        arguments.extend(types.iter().flat_map(|name| ["--type", name]));
        let built = diskwright(directory.path(), arguments).succeeded();
        let result: Value = serde_json::from_str(&built.stdout).unwrap();
        let scratch = result["plan"]["forecast"]["scratch"].as_u64().unwrap();
        let artefacts = result["artefacts"].as_array().unwrap();
        let largest = artefacts.iter().map(|artefact| artefact["written"].as_u64().unwrap()).max().unwrap();
        assert!(scratch * 10 <= largest * 11, "{types:?}: scratch {scratch}, largest {largest}");
        fs::remove_dir_all(directory.path().join("out")).unwrap();
    }
}

#[test]
fn the_plan_for_people_names_everything_that_decides_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let run = diskwright(directory.path(), ["build", &source, "--platform", "linux/amd64", "--dry-run"]).succeeded();
    for words in [
        "Tiny Linux 1",
        "EFI-SYSTEM",
        "root",
        "guid",
        "stateroot default",
        "options",
        "ostree=/ostree/boot.1/",
        "Forecast",
    ] {
        assert!(run.stdout.contains(words), "no `{words}` in:\n{}", run.stdout);
    }
    let quiet = diskwright(directory.path(), ["build", &source, "--platform", "linux/amd64", "--dry-run", "--quiet"])
        .succeeded();
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (run.stdout, ""));
}
