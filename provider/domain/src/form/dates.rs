//! Dates and months in boxes.
