//! Keys and certificates that OpenSSL makes, and programs that others sign with them.

use std::path::{Path, PathBuf};
use std::process::Command;

use builder_pe::Certificate;
use tempfile::TempDir;

/// Runs a tool: whether it found all in order, and what it said.
pub(crate) fn run(package: &str, command: &mut Command) -> (bool, String) {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    };
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Runs a tool that must find all in order.
pub(crate) fn must(package: &str, command: &mut Command) -> String {
    let (success, text) = run(package, command);
    assert!(success, "{command:?}: {text}");
    text
}

/// A directory of keys.
pub(crate) struct Keys(TempDir);

/// A key with its certificate, in PEM.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) key: PathBuf,
    pub(crate) certificate: PathBuf,
}

/// What a certificate is for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Use {
    Authority,
    Leaf,
    Modules,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file of this name.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Makes a key and a certificate of `issuer`, or of its own.
    pub(crate) fn make(&self, name: &str, subject: &str, bits: u32, purpose: Use, issuer: Option<&Key>) -> Key {
        let key = Key { key: self.path(&format!("{name}.key")), certificate: self.path(&format!("{name}.pem")) };
        let extensions = match purpose {
            Use::Authority => "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign",
            Use::Leaf => "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=codeSigning",
            Use::Modules => "basicConstraints=CA:FALSE\nextendedKeyUsage=codeSigning,1.3.6.1.4.1.2312.16.1.2",
        };
        let config =
            format!("[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\n[ext]\n{extensions}\n");
        let config = self.write(&format!("{name}.cnf"), config.as_bytes());
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-nodes", "-days", "3650", "-newkey"]).arg(format!("rsa:{bits}"));
        command.args(["-subj", subject, "-config"]).arg(config);
        command.arg("-keyout").arg(&key.key).arg("-out").arg(&key.certificate);
        if let Some(issuer) = issuer {
            command.arg("-CA").arg(&issuer.certificate).arg("-CAkey").arg(&issuer.key);
        }
        must("openssl", &mut command);
        key
    }

    /// The certificate of a key.
    pub(crate) fn certificate(&self, key: &Key) -> Certificate {
        let der = self.path("certificate.der");
        let mut command = Command::new("openssl");
        command.args(["x509", "-outform", "der", "-in"]).arg(&key.certificate).arg("-out").arg(&der);
        must("openssl", &mut command);
        Certificate::parse(&std::fs::read(der).unwrap()).unwrap()
    }

    /// Signs a program with `sbsign`, behind the signatures it has.
    pub(crate) fn sbsign(&self, program: &[u8], key: &Key) -> Vec<u8> {
        let (from, to) = (self.write("unsigned.efi", program), self.path("signed.efi"));
        let mut command = Command::new("sbsign");
        command.arg("--key").arg(&key.key).arg("--cert").arg(&key.certificate).arg("--output").arg(&to).arg(from);
        must("sbsigntool", &mut command);
        std::fs::read(to).unwrap()
    }

    /// Signs a program with `osslsigncode`, with a digest and all `certificates`, of which the key's is the first.
    pub(crate) fn osslsigncode(&self, program: &[u8], key: &Key, certificates: &[&Key], digest: &str) -> Vec<u8> {
        let (from, to) = (self.write("unsigned.efi", program), self.path("signed.efi"));
        let pem: Vec<_> = certificates.iter().map(|key| std::fs::read(&key.certificate).unwrap()).collect();
        let pem = self.write("chain.pem", &pem.concat());
        let _ = std::fs::remove_file(&to);
        let mut command = Command::new("osslsigncode");
        command.args(["sign", "-h", digest, "-key"]).arg(&key.key).arg("-certs").arg(pem);
        command.arg("-in").arg(from).arg("-out").arg(&to);
        must("osslsigncode", &mut command);
        std::fs::read(to).unwrap()
    }

    /// Whether `sbverify` finds a program signed with this certificate.
    pub(crate) fn sbverify(&self, program: &[u8], certificate: &Path) -> bool {
        let program = self.write("verified.efi", program);
        run("sbsigntool", Command::new("sbverify").arg("--cert").arg(certificate).arg(program)).0
    }

    /// Whether `osslsigncode` finds a program signed by those for whom this certificate vouches.
    pub(crate) fn osslsigncode_verify(&self, program: &[u8], authority: &Path) -> bool {
        let program = self.write("verified.efi", program);
        let mut command = Command::new("osslsigncode");
        run("osslsigncode", command.arg("verify").arg("-CAfile").arg(authority).arg("-in").arg(program)).0
    }
}
