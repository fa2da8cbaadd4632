//! Phone numbers of Japan, and of the world with a leading `+`.

use super::fold;

/// A number that passed [`parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// E.164: `+81311112222`; what two numbers are compared by.
    pub e164: String,
    /// As typed, half-width, for people.
    pub display: String,
}

/// Reads a number in any spacing: `０３（１１１１）２２２２`, `090-1111-2222`, `+81 (0)3 1111 2222`, `+1 212 555 0100`. `None` when it
/// cannot be one: the wrong count of digits, or a beginning that Japan has not.
pub fn parse(typed: &str) -> Option<Phone> {
    let display = fold::spaces(&fold::hyphens(&fold::half_width(typed)));
    let dialled: String = display.chars().filter(|c| !(" -().・/".contains(*c))).collect();
    let (international, digits) = match dialled.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, dialled.as_str()),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let e164 = match (international, digits.strip_prefix("81")) {
        (true, Some(rest)) => domestic(&format!("0{}", rest.strip_prefix('0').unwrap_or(rest)))?,
        (true, None) => ((7..=15).contains(&digits.len()) && !digits.starts_with('0')).then(|| format!("+{digits}"))?,
        (false, _) => domestic(digits)?,
    };
    Some(Phone { e164, display })
}

/// E.164 of a Japanese number with its leading zero.
fn domestic(digits: &str) -> Option<String> {
    let rest = digits.strip_prefix('0')?;
    let eleven = |prefixes: &[&str]| digits.len() == 11 && prefixes.iter().any(|p| digits.starts_with(p));
    let plausible = match rest.as_bytes() {
        // mobile (060 to 090) and internet telephony (050): the digit after is never 0, but 0800 is free of charge
        [b'5'..=b'9', b'0', b'1'..=b'9', ..] => digits.len() == 11,
        [b'8', b'0', b'0', ..] => eleven(&["0800"]),
        [b'1'..=b'9', b'1'..=b'9', ..] => digits.len() == 10,
        _ => false,
    };
    plausible.then(|| format!("+81{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_spacing_is_accepted() {
        for (typed, e164) in [
            ("03-1111-2222", "+81311112222"),
            ("０３（１１１１）２２２２", "+81311112222"),
            ("090ー1111ー2222", "+819011112222"),
            ("06012345678", "+816012345678"),
            ("050 1234 5678", "+815012345678"),
            ("0120-123-456", "+81120123456"),
            ("0800-123-4567", "+818001234567"),
            ("+81 (0)3 1111 2222", "+81311112222"),
            ("+1 212 555 0100", "+12125550100"),
        ] {
            assert_eq!(parse(typed).map(|p| p.e164).as_deref(), Some(e164), "{typed}");
        }
    }

    #[test]
    fn what_nobody_can_dial_is_refused() {
        for bad in
            ["", "-", "12345", "03-1111-222", "090-1111-22222", "0011112222", "電話なし", "+", "+81", "+0123456789"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
