//! Personal settings: which answers people change themselves, at once or after a review, and what of it changed.
//!
//! The tenant's `[self_service]` names fields by key. Those of `free` change at once, those of `with_approval` by an
//! application; the other fields of a section that has such are shown and stay as they are. Sections that are
//! `asked_for = ["profile_change"]` hold the evidence that a change with approval wants.

use super::{Answers, Context, Correction, FieldError, FieldKind, Form, Section, dates};
use crate::{
    account::{Address, Profile},
    application::ApplicationKind,
    japan::postal,
    tenant::{ChangeManner, SelfServicePolicy},
};
use std::collections::BTreeSet;

/// How a field may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// At once.
    Free,
    /// By an application that is decided.
    WithApproval,
    /// Not by the person.
    Fixed,
    /// It is no fact but evidence for a change with approval.
    Evidence,
}

/// The part of a tenant's form that personal settings show.
#[derive(Debug, Clone)]
pub struct PersonalForm {
    form: Form,
    free: BTreeSet<String>,
    with_approval: BTreeSet<String>,
    evidence: BTreeSet<String>,
    manner: ChangeManner,
}

/// What somebody wants changed; everything of it passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonalChanges {
    /// Keys of changed fields that need no approval.
    pub free: Vec<String>,
    /// Keys of changed fields that do.
    pub with_approval: Vec<String>,
    /// All answers as they would stand, folded; those of evidence too.
    pub answers: Answers,
}

impl PersonalChanges {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.free.is_empty() && self.with_approval.is_empty()
    }
}

impl PersonalForm {
    /// The part of `form` that `policy` is about.
    pub fn new(form: &Form, policy: &SelfServicePolicy) -> Self {
        let listed = |keys: &[String]| keys.iter().cloned().collect::<BTreeSet<_>>();
        let (free, with_approval) = (listed(&policy.free), listed(&policy.with_approval));
        let editable = |s: &Section| s.fields.iter().any(|f| free.contains(&f.key) || with_approval.contains(&f.key));
        let proves = |s: &Section| !with_approval.is_empty() && s.asked_for.contains(&ApplicationKind::ProfileChange);
        let sections: Vec<Section> = form.sections.iter().filter(|s| editable(s) || proves(s)).cloned().collect();
        let evidence = sections.iter().filter(|s| !editable(s)).flat_map(|s| s.fields.iter().map(|f| f.key.clone()));
        let evidence = evidence.collect();
        Self { form: Form { sections }, free, with_approval, evidence, manner: policy.manner }
    }

    /// Whether there is anything to change.
    pub fn is_empty(&self) -> bool {
        self.form.sections.is_empty()
    }

    /// Every field, the evidence as strictly required as a change with approval wants it.
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// As [`PersonalForm::form`], the evidence not required: nothing that needs it was changed so far.
    pub fn without_evidence(&self) -> Form {
        let mut form = self.form.clone();
        for field in form.sections.iter_mut().flat_map(|s| &mut s.fields) {
            field.required &= !self.evidence.contains(&field.key);
        }
        form
    }

    /// What an application for such a change holds: the fields with approval, and the evidence.
    pub fn reviewed(&self) -> Form {
        let wanted = |key: &str| self.with_approval.contains(key) || self.evidence.contains(key);
        let sections = self.form.sections.iter().filter_map(|section| {
            let fields: Vec<_> = section.fields.iter().filter(|f| wanted(&f.key)).cloned().collect();
            (!fields.is_empty()).then(|| Section { fields, ..section.clone() })
        });
        Form { sections: sections.collect() }
    }

    /// How a field may be changed.
    pub fn change(&self, key: &str) -> Change {
        let is_mail = self.form.field(key).is_some_and(|f| f.kind == FieldKind::ConfirmedEmail);
        if is_mail {
            // it has a way of its own: a link to the new address
            Change::Fixed
        } else if self.free.contains(key) {
            Change::Free
        } else if self.with_approval.contains(key) {
            Change::WithApproval
        } else if self.evidence.contains(key) {
            Change::Evidence
        } else {
            Change::Fixed
        }
    }

    /// Whether a new mail address may be asked for here.
    pub fn takes_mail(&self) -> bool {
        self.form.fields().any(|f| f.kind == FieldKind::ConfirmedEmail && self.free.contains(&f.key))
    }

    /// What was typed laid over what stands: in the manner `fill_in` an empty field means no change.
    pub fn merge(&self, before: &Answers, typed: &Answers) -> Answers {
        let mut merged = before.clone();
        for field in self.form.fields().filter(|f| self.change(&f.key) != Change::Fixed) {
            let inputs = field.inputs();
            let filled = inputs.iter().any(|i| typed.get(i).is_some_and(|t| !t.trim().is_empty()));
            for input in inputs {
                match (self.manner, filled, typed.get(&input)) {
                    (ChangeManner::Edit, _, Some(text)) | (ChangeManner::FillIn, true, Some(text)) => {
                        merged.insert(input, text.clone());
                    }
                    (ChangeManner::FillIn, true, None) => {
                        merged.insert(input, String::new());
                    }
                    (ChangeManner::Edit, _, None) | (ChangeManner::FillIn, false, _) => {}
                }
            }
        }
        merged
    }

    /// In the manner `fill_in`, where an empty item stays as it was: the items of a place that were left empty while
    /// another of them was filled in. A new prefecture with the old city is no place.
    fn half_a_place(&self, before: &Answers, typed: &Answers) -> Vec<FieldError> {
        let text = |answers: &Answers, key: &str| answers.get(key).map(|t| t.trim().to_owned()).unwrap_or_default();
        let open = |key: &str| self.form.field(key).is_some() && self.change(key) != Change::Fixed;
        let of_the_form = PLACE.into_iter().filter(|(key, _)| open(key));
        let (filled, empty): (Vec<_>, Vec<_>) = of_the_form.partition(|(key, _)| !text(typed, key).is_empty());
        match self.manner {
            ChangeManner::FillIn if !filled.is_empty() => {
                let stands = |key: &str| !text(before, key).is_empty();
                empty.into_iter().filter(|(key, _)| stands(key)).map(|(key, code)| FieldError::at(key, code)).collect()
            }
            ChangeManner::FillIn | ChangeManner::Edit => Vec::new(),
        }
    }

    /// Whether a field with approval is another than it was: then evidence is wanted.
    pub fn wants_approval(&self, before: &Answers, typed: &Answers, context: &Context<'_>) -> bool {
        !self.changed(before, &self.merge(before, typed), context).1.is_empty()
    }

    /// Keys of the fields that differ when both sides are folded: the free ones, those with approval.
    fn changed(&self, before: &Answers, merged: &Answers, context: &Context<'_>) -> (Vec<String>, Vec<String>) {
        let (then, now) = (self.form.examine(before, context).0, self.form.examine(merged, context).0);
        let answer = |answers: &Answers, input: &str| answers.get(input).cloned().unwrap_or_default();
        let (mut free, mut with_approval) = (Vec::new(), Vec::new());
        for field in self.form.fields() {
            let differs = || field.inputs().iter().any(|i| answer(&then.answers, i) != answer(&now.answers, i));
            match self.change(&field.key) {
                Change::Free if differs() => free.push(field.key.clone()),
                Change::WithApproval if differs() => with_approval.push(field.key.clone()),
                Change::Free | Change::WithApproval | Change::Fixed | Change::Evidence => {}
            }
        }
        (free, with_approval)
    }

    /// What would change. Only changed fields can be in error, and the evidence when one with approval is changed: who
    /// moves house need not first complete what was never asked.
    ///
    /// # Errors
    /// Every wrong field, in the order of the form.
    pub fn examine(
        &self,
        before: &Answers,
        typed: &Answers,
        context: &Context<'_>,
    ) -> Result<PersonalChanges, Vec<FieldError>> {
        let merged = self.merge(before, typed);
        let (free, with_approval) = self.changed(before, &merged, context);
        let mut open: Vec<&str> = free.iter().chain(&with_approval).map(String::as_str).collect();
        if !with_approval.is_empty() {
            open.extend(self.evidence.iter().map(String::as_str));
        }
        let half = self.half_a_place(before, typed);
        let validated = match Correction::new(&self.form, open).validate(before, &merged, context) {
            Ok(validated) if half.is_empty() => validated,
            Ok(_) => return Err(half),
            Err(mut errors) => {
                errors.extend(half);
                let place = |error: &FieldError| self.form.fields().position(|f| f.key == error.field);
                errors.sort_by_key(place);
                return Err(errors);
            }
        };
        Ok(PersonalChanges { free, with_approval, answers: validated.answers })
    }
}

/// Items that say one place together.
const PLACE: [(&str, &str); 3] = [("postal_code", "required"), ("prefecture", "required_choice"), ("city", "required")];

/// A profile as the answers of the form.
pub fn answers_of(profile: &Profile) -> Answers {
    let mut answers = profile.more.clone();
    let address = &profile.address;
    let texts = [
        ("name", profile.name.clone()),
        ("name_kana", profile.name_kana.clone()),
        ("name_roman", profile.name_roman.clone()),
        ("postal_code", postal::display(&address.postal_code)),
        ("prefecture", address.prefecture.clone()),
        ("city", address.city.clone()),
        ("street", address.street.clone()),
        ("building", address.building.clone()),
        ("phone", profile.phone.clone()),
        ("cell_phone", profile.cell_phone.clone()),
    ];
    answers.extend(texts.map(|(key, text)| (key.to_owned(), text)));
    let mut parts = profile.birth_date.splitn(3, '-').map(|part| part.trim_start_matches('0').to_owned());
    for part in ["birth_date_year", "birth_date_month", "birth_date_day"] {
        answers.insert(part.to_owned(), parts.next().unwrap_or_default());
    }
    answers
}

/// A profile with the answers to these fields taken over. What was verified and is another now is so no more; an
/// administrator's claims give way where they say the same thing.
pub fn with_answers(profile: &Profile, form: &Form, keys: &[String], answers: &Answers) -> Profile {
    let mut next = profile.clone();
    let get = |input: &str| answers.get(input).cloned().unwrap_or_default();
    for field in form.fields().filter(|f| keys.contains(&f.key)) {
        let text = get(&field.key);
        let Address { postal_code, prefecture, city, street, building } = &mut next.address;
        match field.key.as_str() {
            "name" => {
                next.name = text;
                // it was the spelling of the former name, where it is not asked for itself
                if form.field("name_roman").is_none() {
                    next.name_roman.clear();
                }
            }
            "name_kana" => next.name_kana = text,
            "name_roman" => next.name_roman = text,
            "birth_date" => next.birth_date = dates::joined(answers, "birth_date", &["_year", "_month", "_day"]),
            "postal_code" => *postal_code = postal::parse(&text).unwrap_or_default(),
            "prefecture" => *prefecture = text,
            "city" => *city = text,
            "street" => *street = text,
            "building" => *building = text,
            "phone" => next.phone = text,
            "cell_phone" => next.cell_phone = text,
            _ => next.more.extend(field.inputs().into_iter().map(|input| (input.clone(), get(&input)))),
        }
        let stale: &[&str] = match field.key.as_str() {
            "name" | "name_kana" | "name_roman" => &["name", "family_name", "given_name", "middle_name"],
            "birth_date" => &["birthdate"],
            "postal_code" | "prefecture" | "city" | "street" | "building" => &["address"],
            "phone" | "cell_phone" => &["phone_number", "phone_number_verified"],
            _ => &[],
        };
        next.claims.retain(|claim, _| !stale.contains(&claim.split('#').next().unwrap_or_default()));
        if next.fact(&field.key) != profile.fact(&field.key) {
            next.verified.remove(&field.key);
        }
    }
    next
}

/// Answers that a profile keeps beside its own members: of fields that people may change or see in their settings.
pub fn further_answers(form: &Form, policy: &SelfServicePolicy, answers: &Answers) -> Answers {
    let personal = PersonalForm::new(form, policy);
    let own = answers_of(&Profile::default());
    let fields = personal.form.fields().filter(|f| {
        let texts = !matches!(f.kind, FieldKind::Image | FieldKind::ConfirmedEmail);
        texts && personal.change(&f.key) != Change::Evidence
    });
    fields
        .flat_map(|f| f.inputs())
        .filter(|input| !own.contains_key(input))
        .filter_map(|input| Some((input.clone(), answers.get(&input)?.clone())))
        .collect()
}

#[cfg(test)]
mod tests;
