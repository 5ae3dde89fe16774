//! Typing: told to the others, never to the typist, ended by itself.

use crate::fixture::*;

#[tokio::test]
async fn typing_is_told_to_the_others_and_never_to_the_typist() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut old_alan = house.enters_as_of_old(ALAN, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    let mut phone = house.enters_as_of_old(GRACE, GRACE.room).await;
    for is_typing in [true, false] {
        grace.send(json!({"type": "typing", "is_typing": is_typing})).await;
        for tab in [&mut ada, &mut old_alan] {
            let typing = tab.hears("typing").await;
            assert_eq!(
                typing,
                json!({"type": "typing", "room_id": GRACE.room, "user_id": GRACE.id, "name": "Grace", "is_typing": is_typing})
            );
        }
    }
    grace.fence().await;
    phone.fence().await;
    assert!(grace.seen("typing").is_empty() && phone.seen("typing").is_empty(), "not to the typist, on no device");
    house.closes().await;
}

#[tokio::test]
async fn typing_ends_after_six_seconds_of_silence() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.send(json!({"type": "typing", "is_typing": true})).await;
    ada.hears_that(json!({"type": "typing", "is_typing": true})).await;
    let begun = tokio::time::Instant::now();
    ada.hears_that(json!({"type": "typing", "is_typing": false})).await;
    let lasted = begun.elapsed().as_millis();
    assert!((5_500..9_000).contains(&lasted), "it lasted {lasted} ms");
    house.closes().await;
}

#[tokio::test]
async fn typing_ends_when_the_typist_goes() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    for farewell in [true, false] {
        let mut grace = house.enters_as_of_old(GRACE, GRACE.room).await;
        grace.send(json!({"type": "typing", "is_typing": true})).await;
        ada.hears_that(json!({"type": "typing", "is_typing": true})).await;
        let gone = tokio::time::Instant::now();
        if farewell {
            grace.leaves().await;
        }
        drop(grace);
        ada.hears_that(json!({"type": "typing", "is_typing": false})).await;
        assert!(gone.elapsed().as_secs() < 4, "at once, not after the silence");
    }
    house.closes().await;
}

#[tokio::test]
async fn an_admins_typing_reaches_the_user() {
    let house = House::opens().await;
    let mut ada = house.enters(ADA, GRACE.room).await;
    let mut grace = house.enters_as_of_old(GRACE, GRACE.room).await;
    ada.send(json!({"type": "typing", "is_typing": true})).await;
    assert_eq!(grace.hears("typing").await["name"], "Ada");
    house.closes().await;
}

#[tokio::test]
async fn a_newcomer_is_told_who_types_already() {
    let house = House::opens().await;
    let mut grace = house.enters(GRACE, GRACE.room).await;
    grace.send(json!({"type": "typing", "is_typing": true})).await;
    grace.fence().await;
    let typing = json!({"type": "typing", "user_id": GRACE.id, "name": "Grace", "is_typing": true});
    house.enters(ADA, GRACE.room).await.hears_that(typing.clone()).await;
    house.enters_as_of_old(ALAN, GRACE.room).await.hears_that(typing).await;
    let mut phone = house.enters(GRACE, GRACE.room).await;
    phone.fence().await;
    assert!(phone.seen("typing").is_empty(), "not the typist, on no device");
    house.closes().await;
}
