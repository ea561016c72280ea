//! Plans as the text that a plan node keeps of them. The danger is a field without a textual form, which would
//! be found out only while a query is planned: plans hold numbers, text and lists of them.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the planner tells the executor, or a path the plan.
pub trait PlanText: Serialize + DeserializeOwned {
    /// # Panics
    /// Never: every field has a textual form.
    fn to_text(&self) -> String {
        serde_json::to_string(self).expect("plans hold only numbers, text and lists of them")
    }

    fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
