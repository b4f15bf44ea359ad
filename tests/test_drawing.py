"""The renderer's tools against truths in closed form."""

import numpy as np
import pytest

from stimuli.actors import camera, film, mesh, raster, shading, shadow, strands, volume

CUBE = np.array(
    [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float
)  # vertex number = 4x + 2y + z
CUBE_QUADS = np.array(
    [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
)


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def test_catmull_clark_of_a_cube_is_as_in_the_paper():
    quads, matrix = mesh.catmull_clark(CUBE_QUADS, 8)
    points = matrix @ CUBE
    assert quads.shape == (24, 4)
    assert points.shape == (8 + 12 + 6, 3)
    # F = 1/3, R = 2/3 on each axis: (F + 2R + 0P) / 3
    np.testing.assert_allclose(points[:8], CUBE * 5 / 9)
    np.testing.assert_allclose(np.sort(np.abs(points[8:20]), axis=1), [[0, 0.75, 0.75]] * 12)
    np.testing.assert_allclose(np.sort(np.abs(points[20:]), axis=1), [[0, 0, 1]] * 6)


def test_subdivision_moves_with_the_mesh_and_keeps_borders_in_plane(rng):
    quads, matrix = mesh.subdivide(CUBE_QUADS[:5], 8, 2)  # an open box
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    np.testing.assert_allclose(matrix @ (CUBE @ turn + 3), (matrix @ CUBE) @ turn + 3, atol=1e-5)
    edge = np.sort(np.stack([quads, np.roll(quads, -1, 1)], 2).reshape(-1, 2), axis=1)
    edges, count = np.unique(edge, axis=0, return_counts=True)
    rim = (matrix @ CUBE)[np.unique(edges[count == 1])]
    np.testing.assert_allclose(rim[:, 2], 1, atol=1e-6)  # the open side is z = 1


def test_normals_of_a_subdivided_cube_point_away_from_its_centre():
    quads, matrix = mesh.subdivide(CUBE_QUADS, 8, 4)
    points = (matrix @ CUBE).astype(np.float32)
    n = mesh.normals(points, mesh.triangles(quads))
    away = points / np.linalg.norm(points, axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(n, axis=1), 1, atol=1e-5)
    assert (n * away).sum(axis=1).min() > 0.97


def test_a_triangle_covers_the_pixels_whose_centres_it_contains(rng):
    for _ in range(20):
        corner = rng.uniform(-5, 45, (3, 2))
        depth = rng.uniform(5, 20, 3)
        screen = np.column_stack([corner, depth]).astype(np.float32)
        frame = raster.Frame.empty(40, 40)
        raster.draw(frame, screen, np.array([[0, 1, 2]], np.int32), cull=False)
        y, x = np.mgrid[0:40, 0:40] + 0.5
        to_bary = np.linalg.inv(np.vstack([corner.T, np.ones(3)]))
        share = np.einsum("ij,jrc->irc", to_bary, np.stack([x, y, np.ones_like(x)]))
        clear = np.abs(share).min(axis=0) > 1e-4  # not on an edge, where rounding decides
        inside = (share > 0).all(axis=0)
        assert ((frame.triangle == 0) == inside)[clear].all()
        seen = inside & clear
        expected = 1 / np.einsum("i,irc->rc", 1 / depth, share)  # perspective: 1/z is linear
        np.testing.assert_allclose(frame.depth[seen], expected[seen], rtol=2e-4)


def test_triangles_that_share_an_edge_leave_no_hole(rng):
    inner = rng.uniform(2, 28, (60, 2))
    rim = np.array([(0, 0), (30, 0), (0, 30), (30, 30)])
    from scipy.spatial import Delaunay

    points = np.vstack([rim, inner])
    tris = Delaunay(points).simplices.astype(np.int32)
    screen = np.column_stack([points, np.ones(len(points))]).astype(np.float32)
    frame = raster.draw(raster.Frame.empty(30, 30), screen, tris, cull=False)
    assert (frame.triangle >= 0).all()


def test_the_nearer_surface_hides_the_other_and_back_faces_are_left_out():
    screen = np.array(
        [(0, 0, 2), (0, 20, 2), (20, 0, 2), (0, 0, 1), (0, 20, 1), (20, 0, 1)], np.float32
    )
    towards, away = (0, 1, 2), (3, 5, 4)
    tris = np.array([towards, away, (3, 4, 5)], np.int32)
    assert raster.draw(raster.Frame.empty(20, 20), screen, tris[:2]).triangle[3, 3] == 0
    assert raster.draw(raster.Frame.empty(20, 20), screen, tris).triangle[3, 3] == 2


def test_interpolation_reproduces_a_linear_field():
    points = np.array([(-1, -1, 0), (1, -1, 2), (0, 1.5, -1)], np.float32)
    frame = raster.Frame.empty(200, 200)
    tris = np.array([[0, 1, 2]], np.int32)
    raster.draw(frame, camera.project(points, 200), tris, cull=False)
    seen = raster.interpolate(frame.triangle, frame.weights, tris, points)
    mask = frame.triangle >= 0
    position = camera.pixel_positions(np.where(mask, frame.depth, 1))
    assert mask.sum() > 500
    np.testing.assert_allclose(seen[mask], position[mask], atol=2e-3)


def test_openness_of_a_plain_is_one_and_of_a_right_angle_a_half():
    wide = 3.0
    floor = [(-wide, 0, -wide), (-wide, 0, wide), (wide, 0, wide), (wide, 0, -wide)]
    wall = [(0, 0, -wide), (0, wide, -wide), (0, wide, wide), (0, 0, wide)]
    points = np.array([*floor, *wall, (0.08, 0.0, 0.0)], np.float32)
    normal = np.tile(np.float32([0, 1, 0]), (9, 1))
    sky = shadow.fibonacci_sphere(400)
    tris = mesh.triangles(np.array([(0, 1, 2, 3), (4, 5, 6, 7)]))
    alone = shadow.openness(points, normal, tris[:2], sky)[8]
    corner = shadow.openness(points, normal, tris, sky)[8]
    assert alone > 0.96  # a view along the plain grazes it
    assert abs(corner - 0.5) < 0.06  # half the sky; the wall ends somewhere


def test_a_roof_throws_a_shadow_under_it_and_nowhere_else():
    roof = np.array([(-1, 1, -1), (1, 1, -1), (1, 1, 1), (-1, 1, 1)], np.float32)
    up = np.float32([0, 1, 0])
    dark = shadow.shadow_map(roof, mesh.triangles(np.array([[0, 3, 2, 1]])), up)
    x = np.linspace(-2, 2, 81, dtype=np.float32)
    floor = np.stack([x, np.zeros_like(x), np.zeros_like(x)], axis=-1)[None]
    lit = shadow.lit(floor, np.broadcast_to(up, floor.shape).copy(), dark, up)[0]
    assert lit[np.abs(x) < 0.9].max() == 0
    assert lit[np.abs(x) > 1.1].min() == 1
    edge = lit[(x > 0.9) & (x < 1.1)]
    assert (np.diff(edge) >= 0).all()


def test_what_hides_no_light_may_be_left_out_of_its_map():
    """reach() draws less than a whole shadow map, and finds the same light to the bit."""
    rng = np.random.default_rng(3)
    corners = rng.uniform(-1.5, 1.5, (900, 1, 3)) + rng.normal(0, 0.12, (900, 3, 3))
    points = corners.reshape(-1, 3).astype(np.float32)
    tris = np.arange(len(points), dtype=np.int32).reshape(-1, 3)
    place = rng.uniform(-1.5, 1.5, (40, 60, 3)).astype(np.float32)
    normal = rng.normal(0, 1, place.shape).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    normal[:5] = 0  # where nothing is seen
    for direction in shadow.fibonacci_sphere(5):
        whole = shadow.lit(place, normal, shadow.shadow_map(points, tris, direction), direction)
        found = shadow.reach(place, normal, points, tris, direction)
        assert 0.2 < (whole < 1).mean() < 0.8
        np.testing.assert_array_equal(found, whole)
        near = place[..., :] @ direction > 0.8  # far things hide nothing from these
        few = np.where(near[..., None], normal, 0).astype(np.float32)
        whole = shadow.lit(place, few, shadow.shadow_map(points, tris, direction), direction)
        np.testing.assert_array_equal(shadow.reach(place, few, points, tris, direction), whole)


def test_triangles_are_drawn_at_the_pixel_centres_inside_them():
    """Against every centre tested by itself; corners in line with centres included."""
    rng = np.random.default_rng(8)
    screen = rng.uniform(-3, 23, (150, 3)).astype(np.float32)
    screen[::4, 0] = np.floor(screen[::4, 0]) + 0.5
    tris = np.arange(150, dtype=np.int32).reshape(-1, 3)
    drawn = raster.draw_depth(np.full((20, 20), np.inf, np.float32), screen, tris)
    y, x = np.mgrid[:20, :20] + 0.5
    nearest, clear = np.full((20, 20), np.inf), np.full((20, 20), True)
    for p, q, r in screen[tris].astype(float):
        area = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
        a = ((q[0] - x) * (r[1] - y) - (r[0] - x) * (q[1] - y)) / area
        b = ((r[0] - x) * (p[1] - y) - (p[0] - x) * (r[1] - y)) / area
        clear &= np.abs([a, b, 1 - a - b]).min(axis=0) > 1e-5  # not on an edge, to rounding
        inside = (a >= 0) & (b >= 0) & (a + b <= 1)
        z = a * p[2] + b * q[2] + (1 - a - b) * r[2]
        nearest = np.where(inside, np.minimum(nearest, z), nearest)
    assert clear.mean() > 0.9
    np.testing.assert_allclose(drawn[clear], nearest[clear], rtol=1e-4, atol=1e-4)


def test_posing_is_the_sparse_product():
    quads = np.array([(0, 1, 3, 2), (2, 3, 5, 4)])
    _, matrix = mesh.subdivide(quads, 6, 2)
    points = np.random.default_rng(4).normal(0, 1, (6, 3)).astype(np.float32)
    np.testing.assert_array_equal(mesh.pose(matrix, points), matrix @ points)


def test_light_of_a_fibre_is_that_of_the_published_terms():
    """One straight hair, one light at a time, by hand: Kajiya & Kay, and two shifted highlights."""
    along = np.array([0.6, 0.8, 0.0])
    points = (np.arange(4)[:, None] * 0.1 * along).astype(np.float32)[None]
    outward = np.tile(np.float32([0, 0, 1]), (1, 4, 1))
    hair = strands.Strands(points, np.float32([[0.5, 0.3, 0.2]]), 0.01, sheen=0.7)
    key, room = np.full((1, 4), 0.9, np.float32), np.full((1, 4), 0.6, np.float32)
    light = strands.light_strands(hair, outward, key, room)
    colour, out = np.array([0.5, 0.3, 0.2]), np.array([0.0, 0, 1])
    expected = 1.15 * shading.ROOM * 0.6 * colour
    for i, towards in enumerate(shading.DIRECTIONS.astype(float)):
        arrives = shading.STRENGTHS[i] * (0.9 if i == 0 else 0.6**1.5)
        bulk = np.clip(0.35 + 0.65 * towards[2], 0, 1)
        half = towards + [0, 0, 1]
        half /= np.linalg.norm(half)
        expected = expected + arrives * bulk * 0.8 * np.sin(np.arccos(along @ towards)) * colour
        for shift, power, shine in ((-0.10, 90, 0.04), (0.14, 16, 0.5 * colour)):
            tilted = along + shift * out
            sine = np.sin(np.arccos(tilted @ half / np.linalg.norm(tilted)))
            expected = expected + arrives * bulk * 0.7 * shine * sine**power
    np.testing.assert_allclose(light[0], np.tile(expected, (4, 1)), rtol=1e-3)


def test_light_followed_where_hair_can_be_is_the_light_followed_all_the_way():
    rng = np.random.default_rng(6)
    hair = rng.normal((0.3, 0.2, -1.0), (0.5, 0.4, 0.4), (4000, 3))
    cloud = volume.Cloud.of(hair, np.full(len(hair), 0.02), 0.02)
    points = rng.uniform((-2, -3, -3), (2, 2, 0.5), (3000, 3)).astype(np.float32)
    middle = np.array([-0.5, 0.5, 0.7071])
    spans = cloud.spans(points, middle, np.radians(9))
    assert np.diff(spans, axis=1).mean() < 10  # of 20
    for turn in rng.normal(0, 1, (6, 3)):
        aside = middle + 0.15 * (turn - (turn @ middle) * middle) / np.linalg.norm(turn)
        aside = (aside / np.linalg.norm(aside)).astype(np.float32)
        whole = cloud.through(points, aside)
        assert (whole < 0.9).mean() > 0.05
        np.testing.assert_array_equal(cloud.through(points, aside, spans=spans), whole)


def test_a_strand_covers_its_width_times_its_length():
    size = 200
    unit = camera.EYE_DISTANCE * size
    ends = np.float32([[-1.5, -1.2, 0], [1.4, 0.7, 0]])
    points = np.linspace(ends[0], ends[1], 15)[None].astype(np.float32)
    for width_px in (0.4, 1.0, 3.0):
        hair = strands.Strands(points, np.ones((1, 3), np.float32), width_px / unit)
        layer = np.zeros((size, size, 4), np.float32)
        light = np.full((1, 15, 3), 0.5, np.float32)
        strands.draw_strands(hair, light, layer, None, np.full((size, size), np.inf, np.float32))
        length = np.linalg.norm((ends[1] - ends[0])[:2]) * unit
        # tapered over its outer 38 % to a quarter of the width
        taper = 0.62 + 0.38 * (1 + 0.25) / 2
        assert layer[..., 3].sum() == pytest.approx(width_px * length * taper, rel=0.12)
        np.testing.assert_allclose(layer[..., 0], 0.5 * layer[..., 3], atol=1e-5)


def test_light_through_an_even_cloud_fades_as_beer_and_lambert_say():
    density = np.full((89, 116, 83), 0.7, np.float32)
    cloud = volume.Cloud(density)
    point = np.float32([[0, 0, -1.5]])
    through = cloud.through(point, np.float32([1, 0, 0]), start=0.0)
    assert through[0] == pytest.approx(np.exp(-0.7 * 0.10 * 20), rel=1e-5)


def test_srgb_meets_the_standard_and_comes_back():
    assert film.decode((0.5,))[0] == pytest.approx(0.21404114, abs=1e-6)
    values = np.linspace(0, 1, 256, dtype=np.float32)
    np.testing.assert_allclose(film.encode(film.decode(values)), values, atol=2e-6)


def test_the_wall_behind_everything_keeps_its_colour():
    size, times = 8, 3
    light = np.zeros((size * times, size * times, 4), np.float32)
    seen = np.full(light.shape[:2], raster.NOTHING, np.int32)
    nothing = np.zeros_like(light)
    for value in (0, 64, 128, 170):
        wall = film.decode(np.full(3, value / 255))
        picture = film.develop(light, seen, nothing, nothing, wall, times)
        assert picture.shape == (size, size, 3)
        assert (picture == value).all()


def test_skin_blurs_an_edge_of_light_but_not_even_light():
    depth = np.ones((60, 60), np.float32)
    skin = np.ones_like(depth)
    even = np.full((60, 60, 3), 0.4, np.float32)
    np.testing.assert_allclose(shading.diffuse_under_skin(even, skin, depth, 100), even, atol=1e-6)
    edge = even.copy()
    edge[:, 30:] = 0
    soft = shading.diffuse_under_skin(edge, skin, depth, 100)
    reach = np.abs(soft[30] - edge[30]).sum(axis=0)
    assert reach[0] > reach[1] > reach[2] > 0  # red travels furthest
    np.testing.assert_allclose(soft[30].sum(axis=0), edge[30].sum(axis=0), rtol=0.01)
