//! Points in time: integer milliseconds inside, RFC 3339 in UTC with milliseconds on the wire.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time in milliseconds since the Unix epoch, UTC.
///
/// On the wire it is RFC 3339 with exactly three fractional digits: `2026-01-01T00:00:05.000Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The years −9999 to 9999, a second inside of what the calendar can show, since it also shows the milliseconds.
const MILLIS: std::ops::RangeInclusive<i64> = -377_705_023_200_000..=253_402_207_199_000;

impl Timestamp {
    /// The current time of the system's clock.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// From milliseconds since the Unix epoch; values outside the years −9999 to 9999 are clamped.
    #[must_use]
    pub fn from_millis(ms: i64) -> Self {
        Self(ms.clamp(*MILLIS.start(), *MILLIS.end()))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as in a JWT's `exp` and `iat` (RFC 7519).
    #[must_use]
    pub fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This time moved by some milliseconds, clamped to the valid range.
    #[must_use]
    pub fn plus_millis(self, ms: i64) -> Self {
        Self::from_millis(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_millisecond(self.0).expect("clamped when made");
        write!(f, "{time:.3}")
    }
}

impl std::str::FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>().map(|time| Self::from_millis(time.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| de::Error::custom(format_args!("{text:?} is not a time; write it as RFC 3339, such as 2026-01-01T00:00:05.000Z")))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn times_always_carry_three_digits_and_a_z() {
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_millis(1_767_225_605_120).to_string(), "2026-01-01T00:00:05.120Z");
    }

    #[test]
    fn times_with_offsets_and_other_precisions_are_read() {
        for text in ["2026-01-01T00:00:05Z", "2026-01-01T01:00:05.000000+01:00", "2026-01-01T00:00:05.0004Z"] {
            assert_eq!(text.parse::<Timestamp>().expect(text).as_millis(), 1_767_225_605_000);
        }
    }

    #[test]
    fn any_number_of_milliseconds_can_be_shown() {
        for ms in [i64::MIN, i64::MAX] {
            let shown = Timestamp::from_millis(ms).to_string();
            assert_eq!(shown.parse::<Timestamp>().expect("what is shown is read").as_millis(), Timestamp::from_millis(ms).as_millis());
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
