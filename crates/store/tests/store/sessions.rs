//! Refresh tokens, revocation, and what a request learns of its caller.

use frontdesk_protocol::{Id, Role, Timestamp, limits};
use frontdesk_store::RotateOutcome;

use crate::fixture::{Desk, START_MS, desk};

fn hash(number: u8) -> [u8; 32] {
    [number; 32]
}

async fn ended(desk: &Desk, user_id: Id, sid: &str) -> bool {
    desk.store.authenticate(user_id, Some(sid), None, None).await.unwrap().expect("an account").ended
}

#[tokio::test]
async fn a_refresh_token_is_replaced_and_may_be_used_again_for_a_minute() {
    let desk = desk().await;
    let sid = desk.store.create_session(desk.grace.id, hash(1)).await.unwrap();
    let rotated = RotateOutcome::Rotated { sid: sid.clone(), user_id: desk.grace.id };
    assert_eq!(desk.store.rotate(hash(1), hash(2)).await.unwrap(), rotated);
    desk.wait_ms(limits::REFRESH_REUSE_SECS * 1_000);
    assert_eq!(desk.store.rotate(hash(1), hash(3)).await.unwrap(), rotated, "two tabs, or a lost answer");
    assert_eq!(desk.store.rotate(hash(3), hash(4)).await.unwrap(), rotated, "both go on");
    desk.wait_ms(1);
    assert_eq!(desk.store.rotate(hash(1), hash(5)).await.unwrap(), RotateOutcome::Reused, "a minute after the first replacement");
    assert!(ended(&desk, desk.grace.id, &sid).await);
    for token in [1, 2, 4, 5] {
        assert_eq!(desk.store.rotate(hash(token), hash(9)).await.unwrap(), RotateOutcome::Unknown, "the family is dead");
    }
    let revoked = desk.store.revocations_after(0).await.unwrap().0;
    assert_eq!(revoked.iter().map(|revocation| revocation.sid.as_deref()).collect::<Vec<_>>(), [Some(sid.as_str())]);
}

#[tokio::test]
async fn a_session_slides_and_expires() {
    let desk = desk().await;
    let sid = desk.store.create_session(desk.grace.id, hash(1)).await.unwrap();
    let month_ms = limits::REFRESH_TTL_SECS * 1_000;
    desk.wait_ms(month_ms - 1);
    assert!(matches!(desk.store.rotate(hash(1), hash(2)).await.unwrap(), RotateOutcome::Rotated { .. }));
    desk.wait_ms(month_ms - 1);
    assert!(!ended(&desk, desk.grace.id, &sid).await);
    assert!(matches!(desk.store.rotate(hash(2), hash(3)).await.unwrap(), RotateOutcome::Rotated { .. }));
    desk.wait_ms(month_ms);
    assert!(ended(&desk, desk.grace.id, &sid).await);
    assert_eq!(desk.store.rotate(hash(3), hash(4)).await.unwrap(), RotateOutcome::Unknown);
    desk.store.prune().await.unwrap();
    assert!(ended(&desk, desk.grace.id, &sid).await, "a session that is gone is ended");
}

#[tokio::test]
async fn ending_one_session_leaves_the_others() {
    let desk = desk().await;
    let one = desk.store.create_session(desk.grace.id, hash(1)).await.unwrap();
    let two = desk.store.create_session(desk.grace.id, hash(2)).await.unwrap();
    desk.store.end_session(&one).await.unwrap();
    desk.store.end_session(&one).await.unwrap();
    desk.store.end_session("nobody's").await.unwrap();
    assert!(ended(&desk, desk.grace.id, &one).await);
    assert!(!ended(&desk, desk.grace.id, &two).await);
    assert!(ended(&desk, desk.ada.id, &two).await, "somebody else's session is none");
    assert_eq!(desk.store.revocations_after(0).await.unwrap().0.len(), 1, "said once");
    assert_eq!(desk.store.authenticate(999, Some(&two), None, None).await.unwrap(), None);
}

#[tokio::test]
async fn what_changes_an_account_ends_all_its_sessions() {
    let desk = desk().await;
    let id = desk.grace.id;
    let changes = ["password", "disable", "enable", "role", "logout"];
    for (number, change) in changes.into_iter().enumerate() {
        let start = desk.store.last_revocation().await.unwrap();
        let before = desk.store.create_session(id, hash(number as u8)).await.unwrap();
        match change {
            "password" => drop(desk.store.set_password(id, "$".into(), true).await.unwrap()),
            "disable" => drop(desk.store.set_disabled(id, true).await.unwrap()),
            "enable" => drop(desk.store.set_disabled(id, false).await.unwrap()),
            "role" => drop(desk.store.set_role(id, Role::Admin).await.unwrap()),
            _ => desk.store.end_all_sessions(id).await.unwrap(),
        }
        assert!(ended(&desk, id, &before).await, "{change}");
        let after = desk.store.create_session(id, hash(100 + number as u8)).await.unwrap();
        assert!(!ended(&desk, id, &after).await, "{change}: a login in the same second is good");
        assert_eq!(desk.store.account(id).await.unwrap().unwrap().tokens_after, START_MS / 1_000 + 1, "{change}: none of this second");
        let revoked = desk.store.revocations_after(start).await.unwrap().0;
        let all: Vec<_> = desk.store.revocations_after(0).await.unwrap().0;
        assert_eq!(all.len(), number + 1, "{change}: noted once");
        // PostgreSQL may show some of the earlier ones again.
        let newest = revoked.last().expect("it is noted");
        assert_eq!((newest.user_id, &newest.sid, &newest.jti), (id, &None, &None));
    }
    let sid = desk.store.create_session(id, hash(200)).await.unwrap();
    desk.store.set_password(id, "$again".into(), false).await.unwrap();
    assert!(!ended(&desk, id, &sid).await, "hashing anew ends nothing");
}

#[tokio::test]
async fn a_disabled_person_gets_no_new_tokens() {
    let desk = desk().await;
    desk.store.set_disabled(desk.grace.id, true).await.unwrap();
    desk.store.create_session(desk.grace.id, hash(1)).await.unwrap();
    assert_eq!(desk.store.rotate(hash(1), hash(2)).await.unwrap(), RotateOutcome::Unknown);
    assert!(desk.store.authenticate(desk.grace.id, None, None, None).await.unwrap().unwrap().account.disabled);
}

#[tokio::test]
async fn a_foreign_token_is_revoked_until_it_expires() {
    let desk = desk().await;
    let revoked = async |user_id, jti| desk.store.authenticate(user_id, None, Some(jti), None).await.unwrap().unwrap().ended;
    assert!(!revoked(desk.grace.id, "j1").await);
    let expires_at = Timestamp::from_millis(START_MS + 5_000);
    desk.store.revoke_jti(desk.grace.id, "j1", expires_at).await.unwrap();
    desk.store.revoke_jti(desk.grace.id, "j1", expires_at).await.unwrap();
    assert!(revoked(desk.grace.id, "j1").await);
    assert!(!revoked(desk.ada.id, "j1").await, "another person's is another");
    desk.store.prune().await.unwrap();
    assert!(revoked(desk.grace.id, "j1").await);
    assert_eq!(desk.store.revocations_after(0).await.unwrap().0[0].jti.as_deref(), Some("j1"));
    desk.wait_ms(2 * 24 * 3_600 * 1_000);
    desk.store.prune().await.unwrap();
    assert_eq!(desk.store.revocations_after(0).await.unwrap().0, []);
}
