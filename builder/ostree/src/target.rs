//! The image a machine follows: where the next upgrade will come from (spec 3.2, 4.6).

use std::fmt;
use std::str::FromStr;

use crate::{OstreeError, origin};

/// How an image is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A registry: `docker://name`.
    Registry,
    /// A directory in OCI layout: `oci:path[:name]`.
    OciLayout,
    /// The same in one file: `oci-archive:path`.
    OciArchive,
    /// What `docker save` writes: `docker-archive:path`.
    DockerArchive,
    /// podman's storage: `containers-storage:name`.
    ContainersStorage,
    /// A directory of blobs: `dir:path`.
    Directory,
    /// A Docker daemon: `docker-daemon:name`.
    DockerDaemon,
}

/// What has to vouch for an image when it is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Nothing has to.
    None,
    /// The signature policy of containers, `policy.json`.
    ContainerPolicy,
    /// The GPG keys of an ostree remote.
    OstreeRemote(String),
}

/// A reference to an image with the way to fetch and to check it.
///
/// ```
/// let image: builder_ostree::TargetImage = "quay.io/fedora/fedora-bootc:42".parse()?;
/// assert_eq!(image.imgref(), "docker://quay.io/fedora/fedora-bootc:42");
/// assert_eq!(image.origin_reference(), "ostree-unverified-registry:quay.io/fedora/fedora-bootc:42");
/// # Ok::<(), builder_ostree::OstreeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetImage {
    verification: Verification,
    transport: Transport,
    name: String,
}

impl Transport {
    const ALL: [Self; 7] = [
        Self::Registry,
        Self::OciLayout,
        Self::OciArchive,
        Self::DockerArchive,
        Self::ContainersStorage,
        Self::Directory,
        Self::DockerDaemon,
    ];

    /// What stands ahead of the name, with its separator.
    fn prefix(self) -> &'static str {
        match self {
            Self::Registry => "docker://",
            Self::OciLayout => "oci:",
            Self::OciArchive => "oci-archive:",
            Self::DockerArchive => "docker-archive:",
            Self::ContainersStorage => "containers-storage:",
            Self::Directory => "dir:",
            Self::DockerDaemon => "docker-daemon:",
        }
    }

    /// Transport and name of a reference in transport notation; `registry:` is bootc's other word for `docker://`.
    fn split(text: &str) -> Option<(Self, &str)> {
        if let Some(name) = text.strip_prefix("registry:") {
            return Some((Self::Registry, name));
        }
        Self::ALL.into_iter().find_map(|transport| Some((transport, text.strip_prefix(transport.prefix())?)))
    }
}

impl TargetImage {
    /// What has to vouch for the image.
    #[must_use]
    pub fn verification(&self) -> &Verification {
        &self.verification
    }

    /// How the image is fetched.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The name without the transport.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The reference in transport notation, after which the image's ref is named: `docker://quay.io/…`.
    #[must_use]
    pub fn imgref(&self) -> String {
        format!("{}{}", self.transport.prefix(), self.name)
    }

    /// The reference as bootc writes it into an origin: `ostree-unverified-registry:quay.io/…`.
    #[must_use]
    pub fn origin_reference(&self) -> String {
        match (&self.verification, self.transport) {
            (Verification::None, Transport::Registry) => format!("ostree-unverified-registry:{}", self.name),
            (Verification::None, _) => format!("ostree-unverified-image:{}", self.imgref()),
            (Verification::ContainerPolicy, _) => format!("ostree-image-signed:{}", self.imgref()),
            (Verification::OstreeRemote(remote), _) => format!("ostree-remote-image:{remote}:{}", self.imgref()),
        }
    }

    /// The whole text of the `.origin` file.
    ///
    /// # Errors
    /// None for a reference that was parsed; the text has no control characters.
    pub fn origin_text(&self) -> Result<String, OstreeError> {
        origin::text(self)
    }
}

impl fmt::Display for TargetImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin_reference())
    }
}

impl FromStr for TargetImage {
    type Err = OstreeError;

    /// Takes what an origin may hold, what skopeo takes (`docker://…`, `oci:…`), and a bare registry name.
    fn from_str(text: &str) -> Result<Self, OstreeError> {
        let wrong = |problem| OstreeError::Text { what: "the image reference", given: text.to_owned(), problem };
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        let remote = |rest: &str| -> Result<_, OstreeError> {
            let (remote, image) =
                rest.split_once(':').ok_or_else(|| wrong("names no image behind the ostree remote"))?;
            if remote.is_empty() {
                return Err(wrong("names no ostree remote"));
            }
            Ok((Verification::OstreeRemote(remote.to_owned()), image.to_owned()))
        };
        let registry = |name: &str| format!("docker://{name}");
        let (verification, image) = match scheme {
            "ostree-unverified-registry" => (Verification::None, registry(rest)),
            "ostree-unverified-image" => (Verification::None, rest.to_owned()),
            "ostree-image-signed" => (Verification::ContainerPolicy, rest.to_owned()),
            "ostree-remote-image" => remote(rest)?,
            "ostree-remote-registry" => {
                let (verification, name) = remote(rest)?;
                (verification, registry(&name))
            }
            _ if Transport::split(text).is_some() => (Verification::None, text.to_owned()),
            _ => (Verification::None, registry(text)),
        };
        let (transport, name) =
            Transport::split(&image).ok_or_else(|| wrong("has no transport that containers know"))?;
        if name.is_empty() {
            return Err(wrong("names no image"));
        }
        if text.chars().any(char::is_control) {
            return Err(wrong("has a control character in it"));
        }
        let mut name = name.to_owned();
        if transport == Transport::Registry {
            if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
                || name.contains("//")
                || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-._/:@[]+".contains(c))
            {
                return Err(wrong("is not the name of an image in a registry"));
            }
            name = without_tag_beside_digest(name);
        }
        Ok(Self { verification, transport, name })
    }
}

/// Of `name:tag@digest` the tag has no meaning, and bootc drops it (spec 3.2).
fn without_tag_beside_digest(name: String) -> String {
    let Some((before, digest)) = name.split_once('@') else { return name };
    let last = before.rfind('/').map_or(0, |slash| slash + 1);
    match before[last..].find(':') {
        Some(colon) => format!("{}@{digest}", &before[..last + colon]),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::TargetImage;

    #[test]
    fn every_way_to_name_an_image_has_one_origin_and_one_ref() {
        for (given, origin, imgref) in [
            ("quay.io/x/y:tag", "ostree-unverified-registry:quay.io/x/y:tag", "docker://quay.io/x/y:tag"),
            ("docker://quay.io/x/y:tag", "ostree-unverified-registry:quay.io/x/y:tag", "docker://quay.io/x/y:tag"),
            ("registry:quay.io/x", "ostree-unverified-registry:quay.io/x", "docker://quay.io/x"),
            ("localhost:5000/x", "ostree-unverified-registry:localhost:5000/x", "docker://localhost:5000/x"),
            ("ostree-unverified-registry:q.io/x", "ostree-unverified-registry:q.io/x", "docker://q.io/x"),
            ("ostree-unverified-image:docker://q.io/x", "ostree-unverified-registry:q.io/x", "docker://q.io/x"),
            ("ostree-image-signed:docker://q.io/x:1", "ostree-image-signed:docker://q.io/x:1", "docker://q.io/x:1"),
            ("ostree-remote-registry:fed:q.io/x", "ostree-remote-image:fed:docker://q.io/x", "docker://q.io/x"),
            ("ostree-remote-image:fed:oci:/x", "ostree-remote-image:fed:oci:/x", "oci:/x"),
            ("oci:/path to/x:latest", "ostree-unverified-image:oci:/path to/x:latest", "oci:/path to/x:latest"),
            (
                "containers-storage:localhost/x",
                "ostree-unverified-image:containers-storage:localhost/x",
                "containers-storage:localhost/x",
            ),
            ("h:5000/x:1@sha256:ab", "ostree-unverified-registry:h:5000/x@sha256:ab", "docker://h:5000/x@sha256:ab"),
            ("h:5000/x@sha256:ab", "ostree-unverified-registry:h:5000/x@sha256:ab", "docker://h:5000/x@sha256:ab"),
        ] {
            let image: TargetImage = given.parse().unwrap();
            assert_eq!((image.origin_reference().as_str(), image.imgref().as_str()), (origin, imgref), "{given}");
            assert_eq!(origin.parse::<TargetImage>().unwrap(), image, "{given}");
        }
    }

    #[test]
    fn what_names_no_image_is_refused() {
        for given in [
            "",
            "docker://",
            "https://quay.io/x",
            "ostree-unverified-image:quay.io/x",
            "ostree-image-signed:nothing:x",
            "ostree-remote-registry:fedora",
            "ostree-remote-image::docker://q.io/x",
            "oci:",
            "oci:a\nb",
            "a b",
        ] {
            assert!(given.parse::<TargetImage>().is_err(), "{given:?}");
        }
    }

    #[test]
    fn the_origin_file_names_the_image() {
        let image: TargetImage = "oci:/a\\b".parse().unwrap();
        assert_eq!(
            image.origin_text().unwrap(),
            "[origin]\ncontainer-image-reference=ostree-unverified-image:oci:/a\\\\b\n"
        );
    }
}
