//! What can be ordered, and what it costs.

use example_shell::Language;

/// A kind of certificate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The form field's name.
    pub(crate) key: &'static str,
    japanese: &'static str,
    english: &'static str,
    /// Yen for each copy.
    pub(crate) fee: u32,
    given_to: GivenTo,
}

/// Undergraduates graduate, graduate students complete a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GivenTo {
    Everybody,
    Undergraduates,
    Graduates,
}

impl Certificate {
    pub(crate) fn name(&self, language: Language) -> &'static str {
        language.say(self.japanese, self.english)
    }
}

const fn certificate(
    key: &'static str,
    japanese: &'static str,
    english: &'static str,
    fee: u32,
    given_to: GivenTo,
) -> Certificate {
    Certificate { key, japanese, english, fee, given_to }
}

const ALL: [Certificate; 7] = [
    certificate(
        "graduation_ja",
        "卒業証明書（和文）",
        "Certificate of Graduation (Japanese)",
        200,
        GivenTo::Undergraduates,
    ),
    certificate(
        "graduation_en",
        "卒業証明書（英文）",
        "Certificate of Graduation (English)",
        400,
        GivenTo::Undergraduates,
    ),
    certificate("completion_ja", "修了証明書（和文）", "Certificate of Completion (Japanese)", 800, GivenTo::Graduates),
    certificate("completion_en", "修了証明書（英文）", "Certificate of Completion (English)", 800, GivenTo::Graduates),
    certificate(
        "record_ja",
        "成績証明書（和文）",
        "Certificate of Academic Record (Japanese)",
        200,
        GivenTo::Everybody,
    ),
    certificate("record_en", "成績証明書（英文）", "Certificate of Academic Record (English)", 400, GivenTo::Everybody),
    certificate("health", "健康診断証明書", "Medical Examination Certificate", 200, GivenTo::Everybody),
];

/// What a student ID can be used for, by its degree programme as the claim has it; unknown: everything.
pub(crate) fn offered(programme: Option<&str>) -> Vec<&'static Certificate> {
    let graduate = programme.map(|p| p != "undergraduate");
    ALL.iter()
        .filter(|certificate| match certificate.given_to {
            GivenTo::Everybody => true,
            GivenTo::Undergraduates => graduate != Some(true),
            GivenTo::Graduates => graduate != Some(false),
        })
        .collect()
}

/// Copies of one certificate at most.
pub(crate) const MOST_COPIES: u32 = 10;

/// How the certificates reach people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    Store,
    Post,
}

impl Destination {
    pub(crate) fn from_path(text: &str) -> Option<Self> {
        match text {
            "store" => Some(Self::Store),
            "post" => Some(Self::Post),
            _ => None,
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Post => "post",
        }
    }

    pub(crate) fn name(self, language: Language) -> &'static str {
        match self {
            Self::Store => language.say("コンビニエンスストアで印刷", "Print at a convenience store"),
            Self::Post => language.say("郵送で受け取る", "Sending by post"),
        }
    }

    /// Yen added once for each order.
    pub(crate) fn charge(self) -> u32 {
        match self {
            Self::Store => 0,
            Self::Post => 180,
        }
    }
}
