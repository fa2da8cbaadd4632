//! What only staff can mend – a locked account, a user ID that is forgotten – and where they do.

use crate::{pages::Say, visit::Visit};

impl Visit {
    /// Where staff help: at the tenant's counter, or else by the help desk at the foot of the page.
    pub(crate) fn counter(&self) -> String {
        match self.tenant.config.settings.help_desk.counter.get(&self.locale) {
            "" => self.text("staff_help.help_desk", &[]),
            counter => counter.to_owned(),
        }
    }

    /// What people are told before they need it; `user_ids`: whether they log in with user IDs. None where nothing
    /// needs staff.
    pub(crate) fn staff_help(&self, user_ids: bool) -> Option<Say> {
        let locks = self.tenant.config.settings.lockout.duration.is_none();
        let need = match (user_ids, locks) {
            (true, true) => "either",
            (true, false) => "user_id",
            (false, true) => "locked",
            (false, false) => return None,
        };
        Some(Say::key(format!("staff_help.{need}")).with("counter", self.counter()))
    }
}
