-- How many of each inventory item each location has had, and from when to when.
--
-- A row is a period in which `available` stayed as it was; `change` is the difference to the number before. The stock at a moment
-- is the sum over the rows whose period contains it. Names come from variants, items and locations, as far as these have come.
, states AS (
    SELECT
        levels.*,
        coalesce(_version, _event_time, _received_at) AS starts_at,
        lag(available) OVER changes AS earlier,
        lag(_penstock_deleted) OVER changes AS was_deleted
    FROM levels
    WINDOW changes AS (PARTITION BY _key ORDER BY _emitted_at, _raw_offset, _event_id)
), turns AS (
    SELECT states.*, lead(starts_at) OVER (PARTITION BY _key ORDER BY _emitted_at, _raw_offset, _event_id) AS next_at
    FROM states
    WHERE was_deleted IS NULL OR was_deleted <> _penstock_deleted OR available IS DISTINCT FROM earlier
), stocked AS (
    SELECT _tenant, inventory_item_id, product_id, title, sku
    FROM (
        SELECT
            variants.*,
            row_number() OVER (
                PARTITION BY _tenant, inventory_item_id ORDER BY _penstock_deleted, _emitted_at DESC, _key
            ) AS place
        FROM variants
        WHERE inventory_item_id IS NOT NULL
    ) AS placed
    WHERE place = 1
)
SELECT
    turns._tenant,
    turns.location_id,
    locations.name AS location,
    turns.inventory_item_id,
    coalesce(stocked.sku, items.sku) AS sku,
    products.title AS product,
    stocked.title AS variant,
    turns.available,
    CASE WHEN turns.was_deleted THEN NULL ELSE turns.available - turns.earlier END AS change,
    turns.starts_at AS valid_from,
    CASE WHEN turns.next_at < turns.starts_at THEN turns.starts_at ELSE turns.next_at END AS valid_to,
    turns.next_at IS NULL AS is_current
FROM turns
LEFT JOIN locations ON locations._tenant = turns._tenant AND locations.id = turns.location_id
LEFT JOIN items ON items._tenant = turns._tenant AND items.id = turns.inventory_item_id
LEFT JOIN stocked ON stocked._tenant = turns._tenant AND stocked.inventory_item_id = turns.inventory_item_id
LEFT JOIN products ON products._tenant = stocked._tenant AND products.id = stocked.product_id
WHERE NOT turns._penstock_deleted
