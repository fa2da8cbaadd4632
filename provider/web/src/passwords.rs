//! Password rules and what broke them, as the pages say it.

use crate::{
    pages::{Problem, Say},
    visit::Visit,
};
use madoguchi_domain::password::Violation;
use madoguchi_domain::{password::Rules, tenant::PasswordPolicy};
use madoguchi_service::credentials::CredentialField;

/// The rules in words, before anything is typed.
pub(crate) fn rules(policy: &PasswordPolicy, second_password: bool) -> Vec<Say> {
    let Rules { min_length, require_mixed, alphanumeric_only, blocklist, .. } = policy.rules();
    let mut said = vec![Say::key("password.rule.length").with("count", min_length)];
    let mut add = |holds: bool, rule: &str| {
        if holds {
            said.push(Say::key(format!("password.rule.{rule}")));
        }
    };
    add(require_mixed, "upper");
    add(require_mixed, "lower");
    add(require_mixed, "digit");
    add(alphanumeric_only, "alphanumeric");
    add(blocklist, "common");
    add(second_password, "differ");
    add(true, "previous");
    said
}

/// A broken rule beside its input, and in the summary: it names the input.
pub(crate) fn problem(visit: &Visit, (field, violation): &(CredentialField, Violation)) -> Problem {
    problem_named(visit, *field, field.name(), *violation)
}

/// The same with the input under another name of `password_setting.input`.
pub(crate) fn problem_named(visit: &Visit, field: CredentialField, name: &str, violation: Violation) -> Problem {
    let key = format!("error.password.{}", violation.code());
    let params = violation.params();
    let label = visit.text(&format!("password_setting.input.{name}"), &[]);
    let label = Say::key(key).with("label", label);
    let say = params.iter().fold(label, |say, (name, value)| say.with(name, value));
    Problem::at(field.name(), say)
}
