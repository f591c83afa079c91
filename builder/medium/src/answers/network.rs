//! Files that set up the network.

use std::collections::BTreeSet;

use super::document::{Section, shown};

/// Who reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkService {
    /// NetworkManager, a connection profile (nm-settings-keyfile(5)).
    NetworkManager,
    /// systemd-networkd, or for `.link` systemd-udevd (systemd.network(5), systemd.netdev(5), systemd.link(5)).
    Networkd,
}

impl NetworkService {
    /// The directory of its files, in the root of the system.
    #[must_use]
    pub fn directory(self) -> &'static str {
        match self {
            Self::NetworkManager => "etc/NetworkManager/system-connections",
            Self::Networkd => "etc/systemd/network",
        }
    }
}

/// A file that sets up the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkFile {
    /// Its name, which ends as its service's files do.
    pub name: String,
    /// Who reads it.
    pub service: NetworkService,
    /// Its text, with a line's end at its end.
    pub content: String,
}

impl NetworkFile {
    pub(super) fn read_all(whole: &Section<'_, '_>) -> Vec<Self> {
        let mut names = BTreeSet::new();
        let mut files = Vec::new();
        for section in whole.tables("network", &["name", "content"]) {
            let (name, content) = (section.needed("name", name), section.needed("content", content));
            let (Some((name, service)), Some(content)) = (name, content) else { continue };
            if !names.insert(name.clone()) {
                section.wrong("name", format!("`{}` is there twice", shown(&name)));
            }
            files.push(Self { name, service, content });
        }
        files
    }
}

fn name(name: &str) -> Result<(String, NetworkService), String> {
    let service = match name.rsplit_once('.') {
        Some((stem, "nmconnection")) if !stem.is_empty() => NetworkService::NetworkManager,
        Some((stem, "network" | "netdev" | "link")) if !stem.is_empty() => NetworkService::Networkd,
        _ => {
            let expected = "expected a name that ends with .nmconnection, .network, .netdev or .link";
            return Err(format!("nobody reads `{}`: {expected}", shown(name)));
        }
    };
    if name.len() > 255 || name.starts_with('.') || name.contains(|c: char| c == '/' || c.is_control()) {
        return Err(format!("`{}` is no name of a file", shown(name)));
    }
    Ok((name.to_owned(), service))
}

/// Both services read files of sections, and pass over what stands before the first.
fn content(text: &str) -> Result<String, String> {
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err("it has a control character in it".to_owned());
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    if !lines.next().is_some_and(|line| line.starts_with('[') && line.ends_with(']')) {
        return Err("it does not begin with a section, such as [connection] or [Match]".to_owned());
    }
    let mut text = text.to_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
