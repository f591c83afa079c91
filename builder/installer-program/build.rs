//! Builds `diskwright-installer` with a Cargo of its own, statically linked.
//!
//! It has a target directory inside of this script's, so that neither Cargo waits for a lock of the other, and is a client
//! of the same jobserver. `DISKWRIGHT_INSTALLER=none` leaves it out, for who only wants documentation; Clippy, who would
//! have nothing of it, goes without as well.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Rust's architecture with OCI's name for it, and the C compiler that links for it from elsewhere.
const ARCHITECTURES: &[(&str, &str, &str)] =
    &[("x86_64", "amd64", "x86_64-linux-gnu-gcc"), ("aarch64", "arm64", "aarch64-linux-gnu-gcc")];

/// What the program is made of, from the workspace's root.
const SOURCES: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "builder/installer",
    "builder/block",
    "builder/filesystem-ids",
    "builder/gpt",
    "builder/iso9660",
    "builder/medium",
    "builder/provision",
];

/// What the outer Cargo says to its own compilers, which the inner one must not hear.
const OUTER: &[&str] = &[
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "RUSTC",
    "RUSTDOC",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_BUILD_DIR",
    "TARGET",
    "HOST",
    "PROFILE",
    "OPT_LEVEL",
    "DEBUG",
];

fn main() {
    let directory = |name: &str| PathBuf::from(env::var_os(name).expect("Cargo says it"));
    let root = directory("CARGO_MANIFEST_DIR").join("../..");
    let out = directory("OUT_DIR");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DISKWRIGHT_INSTALLER");
    // Set by Clippy; what was left out for it is built when it is gone.
    println!("cargo::rerun-if-env-changed=RUSTC_WORKSPACE_WRAPPER");
    let is_wanted = env::var_os("DISKWRIGHT_INSTALLER").is_none_or(|value| value != "none");
    let is_clippy = env::var("RUSTC_WORKSPACE_WRAPPER").is_ok_and(|wrapper| wrapper.contains("clippy"));
    let mut programs = String::new();
    for (architecture, oci_name, linker) in ARCHITECTURES {
        if !is_wanted || is_clippy {
            break;
        }
        let target = format!("{architecture}-unknown-linux-gnu");
        let own = env::var("HOST").is_ok_and(|host| host == target);
        let can_be_built = own || has_standard_library(&target) && exists(linker);
        if !can_be_built {
            continue;
        }
        match build(&root, &out, &target, (!own).then_some(linker)) {
            Ok(program) => {
                // Paths of Cargo's are text, or `println!` above would have failed them.
                let _ = write!(programs, "({oci_name:?}, include_bytes!({program:?}).as_slice()),");
            }
            Err(reason) => println!("cargo::warning=no installer media for {oci_name}: {reason}"),
        }
    }
    let text = format!("const PROGRAMS: &[(&str, &[u8])] = &[{programs}];\n");
    fs::write(out.join("programs.rs"), text).expect("Cargo's directory for this can be written");
}

/// Builds for a target. Where the program is, or why there is none.
fn build(root: &Path, out: &Path, target: &str, linker: Option<&str>) -> Result<PathBuf, String> {
    let directory = out.join("target");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for name in OUTER {
        cargo.env_remove(name);
    }
    // With `--target`, this is for the program only, and not for build scripts.
    cargo.env("RUSTFLAGS", "-C target-feature=+crt-static -C relocation-model=static");
    if let Some(linker) = linker {
        let name = target.to_uppercase().replace('-', "_");
        cargo.env(format!("CARGO_TARGET_{name}_LINKER"), linker);
    }
    // CARGO_NET_OFFLINE is inherited; where it is not set, the lock file names nothing that the outer Cargo lacks.
    cargo.args(["build", "--locked", "--quiet", "--profile", "installer", "--package", "diskwright-installer"]);
    cargo.arg("--target").arg(target).arg("--target-dir").arg(&directory);
    cargo.arg("--manifest-path").arg(root.join("Cargo.toml"));
    let output = cargo.stdin(Stdio::null()).output().map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let error = text.lines().find(|line| line.starts_with("error")).unwrap_or("cargo failed");
        return Err(format!("{error} (static linking needs libc.a: Debian libc6-dev, Fedora glibc-static)"));
    }
    Ok(directory.join(target).join("installer/diskwright-installer"))
}

/// Whether this toolchain can compile for a target.
fn has_standard_library(target: &str) -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", target]).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

fn exists(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|directory| directory.join(program).is_file()))
}
