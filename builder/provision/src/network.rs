//! Files that set up the network.

use builder_medium::{NetworkFile, NetworkService};

use crate::changes::{Changes, Place, Rights};
use crate::error::ProvisionError;
use crate::ids;
use crate::installed::Installed;

/// Any of these is the service's program.
const NETWORK_MANAGER: [&str; 2] = ["usr/sbin/NetworkManager", "usr/bin/NetworkManager"];
const NETWORKD: [&str; 1] = ["usr/lib/systemd/systemd-networkd"];

/// Adds the files, for a service that the image has.
pub(crate) fn add(files: &[NetworkFile], installed: &Installed, changes: &mut Changes) -> Result<(), ProvisionError> {
    for file in files {
        let ending = file.name.rsplit('.').next().unwrap_or_default();
        let (service, programs, rights) = match (file.service, ending) {
            // They hold passwords, and others are not read (nm-settings-keyfile(5)).
            (NetworkService::NetworkManager, _) => {
                ("NetworkManager", &NETWORK_MANAGER[..], Rights::Exactly(0o600, None))
            }
            // udev reads these, which is always there.
            (_, "link") => ("", &[][..], Rights::Exactly(0o644, None)),
            // They hold keys, and the service is not root (systemd.netdev(5), PrivateKey=).
            (_, "netdev") => {
                let group = ids::group_id(installed, "systemd-network")?;
                ("systemd-networkd", &NETWORKD[..], Rights::Exactly(if group.is_some() { 0o640 } else { 0o644 }, group))
            }
            _ => ("systemd-networkd", &NETWORKD[..], Rights::Exactly(0o644, None)),
        };
        let mut is_there = programs.is_empty();
        for program in programs {
            is_there |= installed.deployment.kind(program)?.is_some();
        }
        if !is_there {
            let needed = format!("which would read {}", file.name);
            return Err(ProvisionError::NoProgram { program: service.to_owned(), needed });
        }
        let directory = file.service.directory().trim_start_matches("etc/");
        changes.file(Place::Etc, &format!("{directory}/{}", file.name), file.content.as_str(), rights);
    }
    Ok(())
}
