//! The way from a signer's certificate to something that is trusted.

use std::collections::VecDeque;

use crate::certificate::Certificate;
use crate::key::KeyFault;
use crate::name::Name;
use crate::verdict::TrustAnchor;

/// More signatures than the certificates of any honest program need to be verified, for one signer.
const MOST_VERIFICATIONS: usize = 500;

/// A way that was found.
pub(crate) struct Chain {
    /// The signer's certificate first; that of the trusted one last, where it is known.
    pub(crate) certificates: Vec<Certificate>,
    /// Index of what is trusted.
    pub(crate) anchor: usize,
    /// Whether the last certificate only names what is trusted: there was nothing to verify its signature with.
    pub(crate) by_name: bool,
}

/// That none was found.
pub(crate) struct DeadEnd {
    /// Who vouches for the certificate that is farthest from the signer.
    pub(crate) issuer: String,
    /// A signature on the way that could not be verified.
    pub(crate) unsupported: Option<String>,
}

/// Looks for a way from the certificate `start` of `bag` to one of `anchors`, over the others in `bag`.
///
/// As OpenSSL does it for EDK II and shim: any trusted certificate ends the way, be it the signer's own, and no dates
/// count. Not looked at: how many certificates an authority allows below it (`pathLenConstraint`), constraints of
/// names, and extensions that are not known.
pub(crate) fn find(start: usize, bag: &[Certificate], anchors: &[TrustAnchor]) -> Result<Chain, DeadEnd> {
    let mut search = Search { came_from: vec![None; bag.len()], verifications: 0, unsupported: None };
    let mut seen = vec![false; bag.len()];
    let mut queue = VecDeque::from([start]);
    if let Some(seen) = seen.get_mut(start) {
        *seen = true;
    }
    let (mut last, mut by_name) = (start, None);
    while let Some(index) = queue.pop_front() {
        let Some(certificate) = bag.get(index) else { continue };
        last = index;
        if let Some((anchor, above)) = search.anchor_of(certificate, anchors) {
            let mut certificates = search.path(index, bag);
            certificates.extend(above.cloned());
            return Ok(Chain { certificates, anchor, by_name: false });
        }
        let mut issuer_is_here = false;
        for (other, candidate) in bag.iter().enumerate() {
            if candidate.subject() != certificate.issuer() {
                continue;
            }
            issuer_is_here = true;
            let unseen = seen.get(other) == Some(&false);
            if unseen && candidate.is_authority() && search.is_signed_by(certificate, candidate) {
                if let (Some(seen), Some(from)) = (seen.get_mut(other), search.came_from.get_mut(other)) {
                    (*seen, *from) = (true, Some(index));
                }
                queue.push_back(other);
            }
        }
        // A certificate in the file that has the name of a known authority but not its fingerprint is somebody else's.
        if !issuer_is_here && by_name.is_none() {
            by_name = named(certificate.issuer(), anchors).map(|anchor| (anchor, index));
        }
    }
    if let Some((anchor, index)) = by_name {
        return Ok(Chain { certificates: search.path(index, bag), anchor, by_name: true });
    }
    let issuer = bag.get(last).map_or_else(String::new, |last| last.issuer().short().to_owned());
    Err(DeadEnd { issuer, unsupported: search.unsupported })
}

/// The known authority among `anchors` that has this name.
fn named(issuer: &Name, anchors: &[TrustAnchor]) -> Option<usize> {
    anchors.iter().position(|anchor| matches!(anchor, TrustAnchor::Authority(authority) if authority.has(issuer)))
}

struct Search {
    /// The certificate below each that was reached.
    came_from: Vec<Option<usize>>,
    verifications: usize,
    unsupported: Option<String>,
}

impl Search {
    /// What is trusted that is this certificate, or vouches for it; then with its certificate.
    fn anchor_of<'a>(
        &mut self,
        certificate: &Certificate,
        anchors: &'a [TrustAnchor],
    ) -> Option<(usize, Option<&'a Certificate>)> {
        let itself = anchors.iter().position(|anchor| match anchor {
            TrustAnchor::Certificate(trusted) => **trusted == *certificate,
            TrustAnchor::Authority(authority) => authority.is(certificate),
            TrustAnchor::Program(_) => false,
        });
        if let Some(anchor) = itself {
            return Some((anchor, None));
        }
        anchors.iter().enumerate().find_map(|(index, anchor)| match anchor {
            TrustAnchor::Certificate(trusted)
                if trusted.subject() == certificate.issuer()
                    && trusted.is_authority()
                    && self.is_signed_by(certificate, trusted) =>
            {
                Some((index, Some(trusted.as_ref())))
            }
            _ => None,
        })
    }

    fn is_signed_by(&mut self, certificate: &Certificate, issuer: &Certificate) -> bool {
        if self.verifications == MOST_VERIFICATIONS {
            self.unsupported
                .get_or_insert_with(|| format!("more than {MOST_VERIFICATIONS} certificates of like names"));
            return false;
        }
        self.verifications += 1;
        match certificate.verify_signed_by(issuer) {
            Ok(()) => true,
            Err(KeyFault::Wrong) => false,
            Err(KeyFault::Unsupported(what)) => {
                self.unsupported.get_or_insert(what);
                false
            }
        }
    }

    /// The certificates from the signer's up to this one.
    fn path(&self, to: usize, bag: &[Certificate]) -> Vec<Certificate> {
        let mut indices = vec![to];
        let mut at = to;
        // Each was reached once, from one that was reached before: this ends.
        while let Some(&Some(below)) = self.came_from.get(at) {
            indices.push(below);
            at = below;
        }
        indices.iter().rev().filter_map(|&index| bag.get(index)).cloned().collect()
    }
}
