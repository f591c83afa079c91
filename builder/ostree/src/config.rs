//! The repository's configuration (spec 1.2).

use std::fmt;

use crate::OstreeError;
use crate::origin::key_file_value;

/// Which boot loader libostree has to keep up to date itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bootloader {
    /// None: boot entries only, which the installed loader reads. What bootc sets.
    #[default]
    None,
    /// Whatever is found.
    Auto,
    /// GRUB through `grub2-mkconfig`.
    Grub2,
    /// Syslinux.
    Syslinux,
    /// U-Boot's `uEnv.txt`.
    Uboot,
    /// zipl of s390x.
    Zipl,
    /// Android boot images.
    Aboot,
}

impl fmt::Display for Bootloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Auto => "auto",
            Self::Grub2 => "grub2",
            Self::Syslinux => "syslinux",
            Self::Uboot => "uboot",
            Self::Zipl => "zipl",
            Self::Aboot => "aboot",
        })
    }
}

/// What of the repository's configuration is open; the rest is as bootc's install leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepoConfig {
    /// `sysroot.bootloader`.
    pub bootloader: Bootloader,
    /// `sysroot.bls-append-except-default`, of an image's install configuration.
    pub bls_append_except_default: Option<String>,
    /// `ex-integrity.fsverity`: new objects get fs-verity, as those that are there have it.
    pub fsverity: bool,
}

impl RepoConfig {
    /// The text of the file `config`.
    ///
    /// # Errors
    /// [`OstreeError::Text`] for a value with control characters.
    pub(crate) fn text(&self) -> Result<String, OstreeError> {
        let mut text = format!(
            "[core]\nrepo_version=1\nmode=bare\n\n[sysroot]\nbootloader={}\nbootprefix=true\nreadonly=true\n",
            self.bootloader
        );
        if let Some(append) = &self.bls_append_except_default {
            let value = key_file_value("bls-append-except-default", append)?;
            text.push_str(&format!("bls-append-except-default={value}\n"));
        }
        if self.fsverity {
            text.push_str("\n[ex-integrity]\nfsverity=true\n");
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bootloader, RepoConfig};

    #[test]
    fn the_text_is_that_of_a_bootc_install() {
        let common =
            "[core]\nrepo_version=1\nmode=bare\n\n[sysroot]\nbootloader=none\nbootprefix=true\nreadonly=true\n";
        assert_eq!(RepoConfig::default().text().unwrap(), common);
        let config = RepoConfig {
            bootloader: Bootloader::Zipl,
            bls_append_except_default: Some("grub_users \"\"".to_owned()),
            fsverity: true,
        };
        let expected = common.replace("=none", "=zipl")
            + "bls-append-except-default=grub_users \"\"\n\n[ex-integrity]\nfsverity=true\n";
        assert_eq!(config.text().unwrap(), expected);
        let broken = RepoConfig { bls_append_except_default: Some("a\n[core]".to_owned()), ..config };
        assert!(broken.text().is_err());
    }
}
