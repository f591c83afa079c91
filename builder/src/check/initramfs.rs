//! The initramfs that a boot loader or a unified kernel brings.

use super::step::Step;
use crate::early::Early;

/// What it brings, of which there may be several one behind the other; `None` where that cannot be told. `what` is how
/// people call it.
pub(crate) fn early(what: &str, initrds: &[&[u8]], has_deployment: bool, step: &mut Step) -> Option<Early> {
    let early = match initrds {
        [] => return None,
        [one] => Early::parse(*one),
        several => Early::parse(several.concat().as_slice()),
    };
    match early {
        Ok(early) if early.has_program => {
            step.push(Step::right(format!("{what}: ostree-prepare-root is in it")));
            Some(early)
        }
        Ok(early) => {
            if has_deployment {
                let reason = "ostree-prepare-root is not in it, so nothing makes the deployment the root";
                step.push(Step::broken(what, reason));
            }
            Some(early)
        }
        Err(error) if error.may_boot() => {
            step.push(Step::warning(what, format!("not looked into: {error}")));
            None
        }
        Err(error) => {
            step.push(Step::broken(what, error));
            None
        }
    }
}

/// That there is none.
pub(crate) fn missing(what: &str, has_deployment: bool) -> Step {
    let reason = "there is none, so nothing prepares the root";
    if has_deployment { Step::broken(what, reason) } else { Step::warning(what, reason) }
}
