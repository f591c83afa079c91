//! Holds a program against what is trusted or denied.

use crate::certificate_table::{CertificateKind, WinCertificate};
use crate::chain::{self, Chain};
use crate::digest::Sha256Digest;
use crate::key::KeyFault;
use crate::pe::PeFile;
use crate::signature::Signature;
use crate::signature_list::{ListItem, SignatureList};
use crate::verdict::{Denial, Reason, TrustAnchor, TrustedBy, Verdict};

impl PeFile<'_> {
    /// Tells whether `trusted` makes the program trusted, as firmware and shim decide it: by its digest, or by one
    /// signature that is right in itself and leads to a certificate. Dates do not count, see [`Verdict::notes`].
    ///
    /// Whether it is denied all the same is another question: [`PeFile::denied_by`], [`Sbat::revoked_by`].
    ///
    /// [`Sbat::revoked_by`]: crate::Sbat::revoked_by
    #[must_use]
    pub fn verify(&self, trusted: &[TrustAnchor]) -> Verdict {
        if trusted.iter().any(|anchor| matches!(anchor, TrustAnchor::Program(_))) {
            let digest = self.sha256();
            if trusted.contains(&TrustAnchor::Program(digest)) {
                return Verdict::Trusted { by: TrustedBy::Program(digest), chain: Vec::new(), others: Vec::new() };
            }
        }
        let mut reasons = Vec::new();
        let mut found: Option<Chain> = None;
        for (number, entry) in (1..).zip(self.certificate_table()) {
            match self.judge(number, entry, trusted) {
                Ok(chain) => {
                    if found.as_ref().is_none_or(|found| found.by_name && !chain.by_name) {
                        found = Some(chain);
                    }
                }
                Err(reason) => reasons.push(reason),
            }
        }
        if let Some(chain) = found
            && let Some(by) = trusted_by(&chain, trusted)
        {
            return Verdict::Trusted { by, chain: chain.certificates, others: reasons };
        }
        if reasons.is_empty() {
            reasons.push(Reason::Unsigned);
        }
        Verdict::Refused { reasons }
    }

    /// The way from one signature to something that is trusted.
    fn judge(&self, number: usize, entry: &WinCertificate<'_>, trusted: &[TrustAnchor]) -> Result<Chain, Reason> {
        if entry.kind != CertificateKind::PkcsSignedData {
            return Err(Reason::Kind { number, kind: entry.kind });
        }
        let signature = Signature::parse(entry.content).map_err(|source| Reason::Unreadable { number, source })?;
        let found = self.hash(signature.algorithm());
        if found != signature.digest() {
            return Err(Reason::Digest {
                number,
                signer: first_signer(&signature),
                algorithm: signature.algorithm(),
                signed: signature.digest().to_vec(),
                found,
            });
        }
        signature.verify().map_err(|(certificate, fault)| {
            let signer = certificate.subject().short().to_owned();
            match fault {
                KeyFault::Wrong => Reason::Wrong { number, signer },
                KeyFault::Unsupported(what) => Reason::Unsupported { number, signer, what },
            }
        })?;
        // OpenSSL's PKCS7_verify: of several signers each must be trusted.
        let mut weakest: Option<Chain> = None;
        for index in signature.signer_indices() {
            let chain = chain::find(index, signature.certificates(), trusted).map_err(|end| Reason::NotTrusted {
                number,
                signer: name_at(&signature, index),
                issuer: end.issuer,
                trusted: trusted.iter().map(TrustAnchor::to_string).collect(),
                unsupported: end.unsupported,
            })?;
            if weakest.as_ref().is_none_or(|weakest| chain.by_name && !weakest.by_name) {
                weakest = Some(chain);
            }
        }
        // There is a signer in each signature that can be read.
        weakest.ok_or(Reason::Unsigned)
    }

    /// Why `denied`, such as the firmware's `dbx` or a [`Shim`](crate::Shim)'s list, denies the program: by its digest,
    /// or by a certificate that signed it or vouches for the one that did. `None` where it does not.
    #[must_use]
    pub fn denied_by(&self, denied: &SignatureList) -> Option<Denial> {
        let digest = self.sha256();
        if denied.entries.iter().any(|entry| entry.item == ListItem::Program(digest)) {
            return Some(Denial::Program { digest });
        }
        let certificates: Vec<_> = denied.certificates().cloned().map(TrustAnchor::from).collect();
        let signed: Vec<Sha256Digest> = denied
            .entries
            .iter()
            .filter_map(|entry| if let ListItem::SignedCertificate(digest) = entry.item { Some(digest) } else { None })
            .collect();
        (1..).zip(self.certificate_table()).find_map(|(number, entry)| {
            if entry.kind != CertificateKind::PkcsSignedData {
                return None;
            }
            let signature = Signature::parse(entry.content).ok()?;
            let by_certificate = signature.signer_indices().find_map(|index| {
                let chain = chain::find(index, signature.certificates(), &certificates).ok()?;
                certificates.get(chain.anchor).map(TrustAnchor::to_string)
            });
            let by_digest = || {
                let listed = signature.certificates().iter().find(|found| signed.contains(&found.signed_sha256()))?;
                Some(listed.subject().short().to_owned())
            };
            let denied = by_certificate.or_else(by_digest)?;
            Some(Denial::Certificate { number, signer: first_signer(&signature), denied })
        })
    }
}

/// What is trusted at the end of a way.
fn trusted_by(chain: &Chain, trusted: &[TrustAnchor]) -> Option<TrustedBy> {
    match trusted.get(chain.anchor)? {
        TrustAnchor::Certificate(certificate) => Some(TrustedBy::Certificate(certificate.clone())),
        TrustAnchor::Authority(authority) if chain.by_name => Some(TrustedBy::Name(authority)),
        TrustAnchor::Authority(authority) => Some(TrustedBy::Authority(authority)),
        // No certificates lead to a program.
        TrustAnchor::Program(_) => None,
    }
}

fn first_signer(signature: &Signature) -> String {
    signature.signers().next().map_or_else(String::new, |signer| signer.subject().short().to_owned())
}

fn name_at(signature: &Signature, index: usize) -> String {
    signature.certificates().get(index).map_or_else(String::new, |signer| signer.subject().short().to_owned())
}
