//! Keys for root.

use std::fs;

use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::tiny;

use crate::judges::{build, judge_disk};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDqSGuCfVKBpkvtfUlC1zvFwEJMIgNMLe1zQSBfnNuXj me@here\n";

#[test]
fn keys_are_in_the_deployments_own_etc() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    fs::write(directory.path().join("keys"), KEY).unwrap();
    let (disk, result) = build(directory.path(), &source, &["--root-ssh-authorized-keys", "keys"]);
    let mounted = judge_disk(directory.path(), &disk, &result["plan"]);
    let commit = result["plan"]["deployment"]["commit"].as_str().unwrap();
    let deployment = mounted.at.join(format!("ostree/deploy/default/deploy/{commit}.0"));
    let text = fs::read_to_string(deployment.join("etc/tmpfiles.d/bootc-root-ssh.conf")).unwrap();
    let (directory_line, key_line) = text.split_once('\n').unwrap();
    assert_eq!(directory_line, "d /root/.ssh 0700 root root -");
    assert!(key_line.starts_with("f~ /root/.ssh/authorized_keys 0600 root root - c3NoLWVkMjU1MTkg"), "{text}");
    assert!(!deployment.join("usr/etc/tmpfiles.d/bootc-root-ssh.conf").exists());
}

#[test]
fn a_file_without_keys_is_refused_before_any_work() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    for (name, text, said) in [
        ("empty", "", "there is no key in it"),
        ("private", "-----BEGIN OPENSSH PRIVATE KEY-----\n", "line 1 begins a private key"),
        ("words", "hello\n", "line 1 is no public key"),
    ] {
        fs::write(directory.path().join(name), text).unwrap();
        let run = diskwright(directory.path(), ["build", &source, "--root-ssh-authorized-keys", name]);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert!(run.stderr.contains(said) && run.stderr.contains("hint:"), "{}", run.stderr);
    }
    let run = diskwright(directory.path(), ["build", &source, "--root-ssh-authorized-keys", "missing"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("missing"), "{}", run.stderr);
}
