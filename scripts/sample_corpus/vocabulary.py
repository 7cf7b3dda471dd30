"""The words of the sample corpus, as tables to be proofread. Knows no grammar.

A class, as in "thing: cup ...", is what a word means to other words: verbs list the
classes they take as objects, adjectives stand under the classes they describe. `_`
stands for a space inside an entry, as everywhere here. `lexicon` reads the tables.
"""

# class: english[/plural] gender (* weak) German plural (- mass noun) further classes
NOUNS = """
person: man/men m Mann Männer he; woman/women f Frau Frauen she
person: boy m* Junge Jungen he youth; girl n Mädchen Mädchen youth
person: child/children n Kind Kinder youth; teacher m Lehrer Lehrer
person: doctor m Arzt Ärzte; baker m Bäcker Bäcker; farmer m* Bauer Bauern
person: neighbour m* Nachbar Nachbarn owned; guest m Gast Gäste owned
person: student m* Student Studenten; pupil m Schüler Schüler youth
person: friend m Freund Freunde owned; colleague m* Kollege Kollegen owned
person: tourist m* Tourist Touristen; artist m Künstler Künstler
person: waitress f Kellnerin Kellnerinnen she
person: actress f Schauspielerin Schauspielerinnen she
person: nurse f Krankenschwester Krankenschwestern she
kin: mother f Mutter Mütter she; father m Vater Väter he; brother m Bruder Brüder he
kin: sister f Schwester Schwestern she; uncle m Onkel Onkel he; aunt f Tante Tanten she
kin: grandmother f Großmutter Großmütter she; grandfather m Großvater Großväter he
kin: son m Sohn Söhne he; daughter f Tochter Töchter she
kin: parents/parents p Eltern Eltern they
kin: grandparents/grandparents p Großeltern Großeltern they
animal: dog m Hund Hunde pet; cat f Katze Katzen pet; horse n Pferd Pferde
animal: bird m Vogel Vögel pet; cow f Kuh Kühe; rabbit n Kaninchen Kaninchen pet
animal: mouse/mice f Maus Mäuse pet; duck f Ente Enten; pig n Schwein Schweine
animal: goat f Ziege Ziegen; monkey m* Affe Affen; elephant m* Elefant Elefanten
food: apple m Apfel Äpfel fruit; pear f Birne Birnen fruit
food: banana f Banane Bananen fruit; orange f Orange Orangen fruit
food: strawberry f Erdbeere Erdbeeren fruit; tomato f Tomate Tomaten fruit
food: carrot f Karotte Karotten vegetable; potato f Kartoffel Kartoffeln vegetable
food: egg n Ei Eier dish; cookie m Keks Kekse baked; cake m Kuchen Kuchen baked
food: pizza f Pizza Pizzas baked; sausage f Wurst Würste; salad m Salat Salate
food: bread n Brot - baked; cheese m Käse -; soup f Suppe - dish; rice m Reis - dish
food: meat n Fleisch - dish; chocolate f Schokolade -
drink: coffee m Kaffee -; tea m Tee -; milk f Milch -; water n Wasser -; juice m Saft -
drink: wine m Wein - alcohol; beer n Bier - alcohol; lemonade f Limonade -
reading: book n Buch Bücher flat; newspaper f Zeitung Zeitungen flat
reading: magazine f Zeitschrift Zeitschriften flat; letter m Brief Briefe written flat
reading: message f Nachricht Nachrichten written; novel m Roman Romane written
reading: poem n Gedicht Gedichte written; story f Geschichte Geschichten written
reading: report m Bericht Berichte written
clothes: jacket f Jacke Jacken garment; dress n Kleid Kleider garment feminine
clothes: shirt n Hemd Hemden garment; coat m Mantel Mäntel garment; hat m Hut Hüte
clothes: skirt m Rock Röcke garment feminine; sweater m Pullover Pullover garment
clothes: scarf/scarves m Schal Schals; cap f Mütze Mützen; suit m Anzug Anzüge garment
clothes: blouse f Bluse Blusen garment feminine; shoe m Schuh Schuhe garment paired
device: computer m Computer Computer; radio n Radio Radios; lamp f Lampe Lampen upright
device: television m Fernseher Fernseher; camera f Kamera Kameras
device: washing_machine f Waschmaschine Waschmaschinen; printer m Drucker Drucker
device: heater f Heizung Heizungen
vehicle: car n Auto Autos; bicycle n Fahrrad Fahrräder
vehicle: motorcycle n Motorrad Motorräder; boat n Boot Boote built
vehicle: truck m Lastwagen Lastwagen
thing: cup f Tasse Tassen upright; glass n Glas Gläser upright
thing: plate m Teller Teller upright; bottle f Flasche Flaschen upright
thing: vase f Vase Vasen upright; suitcase m Koffer Koffer upright luggage
thing: bag f Tasche Taschen upright luggage; knife/knives n Messer Messer flat
thing: spoon m Löffel Löffel flat; fork f Gabel Gabeln flat
thing: key m Schlüssel Schlüssel flat lost
thing: umbrella m Regenschirm Regenschirme flat lost
thing: pencil m Bleistift Bleistifte flat lost; ring m Ring Ringe flat lost
thing: ball m Ball Bälle lost; picture n Bild Bilder hung
thing: mirror m Spiegel Spiegel hung; clock f Uhr Uhren hung
thing: map f Landkarte Landkarten hung; present n Geschenk Geschenke gift
plant: flower f Blume Blumen thing; tree m Baum Bäume
day: birthday m Geburtstag Geburtstage
furniture: table m Tisch Tische; chair m Stuhl Stühle; bed n Bett Betten
furniture: sofa n Sofa Sofas; shelf/shelves n Regal Regale built
furniture: cupboard m Schrank Schränke; desk m Schreibtisch Schreibtische
furniture: armchair m Sessel Sessel
opening: door f Tür Türen; window n Fenster Fenster; drawer f Schublade Schubladen
building: house n Haus Häuser painted home built; apartment f Wohnung Wohnungen home
building: church f Kirche Kirchen painted; hotel n Hotel Hotels
building: castle n Schloss Schlösser painted; tower m Turm Türme painted
room: room n Zimmer Zimmer; kitchen f Küche Küchen; bathroom n Badezimmer Badezimmer
room: cellar m Keller Keller; garage f Garage Garagen
place: garden m Garten Gärten; park m Park Parks; city f Stadt Städte
place: village n Dorf Dörfer; forest m Wald Wälder; museum n Museum Museen
place: restaurant n Restaurant Restaurants; cinema n Kino Kinos
place: theatre n Theater Theater; library f Bibliothek Bibliotheken
place: office n Büro Büros; hospital n Krankenhaus Krankenhäuser
place: school f Schule Schulen; supermarket m Supermarkt Supermärkte; café n Café Cafés
place: zoo m Zoo Zoos; station m Bahnhof Bahnhöfe; airport m Flughafen Flughäfen
place: lake m See Seen; beach m Strand Strände; market m Markt Märkte
place: farm m Bauernhof Bauernhöfe
event: party f Party Partys planned; concert n Konzert Konzerte planned
event: film m Film Filme seen; exam f Prüfung Prüfungen planned
event: wedding f Hochzeit Hochzeiten planned; game n Spiel Spiele
event: trip f Reise Reisen planned; holidays/holidays p Ferien Ferien
"""

# class: english German[/comparative], ...
ADJECTIVES = """
person: old alt/älter, young jung/jünger, tall groß/größer
person: friendly freundlich/freundlicher
person: clever klug/klüger, famous berühmt/berühmter, polite höflich/höflicher
person: brave mutig/mutiger, strong stark/stärker, lazy faul/fauler, rich reich/reicher
person: curious neugierig/neugieriger, nice nett/netter
state: tired müde, happy glücklich, sad traurig, hungry hungrig, thirsty durstig
state: sick krank
animal: old alt/älter, young jung/jünger, small klein/kleiner, big groß/größer
animal: white weiß, black schwarz, brown braun, hungry hungrig, clever klug/klüger
fruit: red rot, ripe reif/reifer, sweet süß/süßer
food: fresh frisch/frischer, delicious köstlich, good gut/besser
drink: cold kalt/kälter, good gut/besser, fresh frisch/frischer
reading: long lang/länger, short kurz/kürzer, interesting interessant/interessanter
reading: exciting spannend/spannender, boring langweilig/langweiliger
reading: funny lustig/lustiger
reading: new neu, important wichtig/wichtiger, sad traurig/trauriger
clothes: red rot, blue blau, green grün, white weiß, black schwarz, grey grau
clothes: yellow gelb
clothes: new neu, warm warm/wärmer, elegant elegant/eleganter, expensive teuer/teurer
device: new neu, old alt/älter, modern modern/moderner, cheap billig/billiger
device: small klein
vehicle: new neu, old alt/älter, red rot, blue blau, white weiß, fast schnell/schneller
vehicle: expensive teuer/teurer, heavy schwer/schwerer
thing: small klein/kleiner, big groß/größer, blue blau, green grün
thing: beautiful schön/schöner
thing: new neu, expensive teuer/teurer, old alt/älter, white weiß, brown braun
plant: beautiful schön/schöner, small klein/kleiner, big groß/größer
furniture: old alt/älter, heavy schwer/schwerer, comfortable bequem/bequemer, wide breit
furniture: modern modern/moderner, brown braun, big groß/größer, narrow schmal
opening: big groß/größer, small klein/kleiner, old alt/älter, narrow schmal, wide breit
building: old alt/älter, modern modern/moderner, beautiful schön/schöner, famous berühmt
home: expensive teuer/teurer
building: big groß/größer, quiet ruhig/ruhiger
room: small klein/kleiner, big groß/größer, dark dunkel/dunkler, bright hell/heller
room: warm warm/wärmer, clean sauber/sauberer, dirty schmutzig/schmutziger
place: small klein/kleiner, big groß/größer, beautiful schön/schöner
place: quiet ruhig/ruhiger, famous berühmt/berühmter
event: long lang/länger, exciting spannend/spannender, boring langweilig/langweiliger
event: interesting interessant/interessanter, important wichtig/wichtiger
"""
LONG_ADJECTIVES = """
famous polite curious expensive interesting exciting boring important elegant modern
beautiful comfortable
"""  # compared with more

# noun, being there (English German), going there (English German)
PLACES = """
garden in in into in
park in in to in
city in in to in
village in in to in
forest in in into in
museum in in to in
restaurant in in to in
cinema at in to in
theatre at in to in
library in in to in
office in in to in
hospital in in to in
school at in to zu
supermarket in in to in
café in in to in
zoo at in to in
hotel at in to in
church in in to in
station at an to zu
airport at an to zu
lake at an to an
beach on an to an
market at auf to auf
farm on auf to auf
kitchen in in into in
cellar in in into in
garage in in into in
"""

# English subject, object, possessive; German nom, acc, dat, person
PRONOUNS = """
I me my ich mich mir ich
you you your du dich dir du
he him his er ihn ihm er
she her her sie sie ihr er
we us our wir uns uns wir
they them their sie sie ihnen sie
"""
NAMES = {
    "he": "Peter Paul Thomas Max Lukas Felix".split(),
    "she": "Anna Maria Lisa Julia Sophie Clara".split(),
}
SURNAMES = "Weber Schneider Fischer Wagner Becker Hoffmann".split()
# english masculine feminine
JOBS = """
teacher Lehrer Lehrerin
doctor Arzt Ärztin
baker Bäcker Bäckerin
artist Künstler Künstlerin
engineer Ingenieur Ingenieurin
singer Sänger Sängerin
gardener Gärtner Gärtnerin
journalist Journalist Journalistin
"""
CITIES = """
Berlin Berlin; Hamburg Hamburg; Paris Paris; London London; Madrid Madrid
Dresden Dresden; Munich München; Cologne Köln; Vienna Wien; Rome Rom
"""
MONTHS = """
January Januar; February Februar; March März; April April; May Mai; June Juni
July Juli; August August; September September; October Oktober; November November
December Dezember
"""
WEEKDAYS = """
Monday Montag; Tuesday Dienstag; Wednesday Mittwoch; Thursday Donnerstag
Friday Freitag; Saturday Samstag; Sunday Sonntag
"""

# Word for word where there are as many on either side; elsewhere words that share a
# mark mean the same (see `marks`), or without any marks, the whole the whole.
PAST_TIMES = """
yesterday = gestern
yesterday evening = gestern Abend
the day before yesterday = vorgestern
last week = letzte Woche
two/n days/d ago/a = vor/a zwei/n Tagen/d
three/n days/d ago/a = vor/a drei/n Tagen/d
an/n hour/h ago/a = vor/a einer/n Stunde/h
"""
FUTURE_TIMES = """
tomorrow = morgen
next week = nächste Woche
soon = bald
this evening = heute Abend
the day after tomorrow = übermorgen
tomorrow morning = morgen früh
in two hours = in zwei Stunden
"""
PRESENT_TIMES = """
now = jetzt
today = heute
at/a the/a moment/m = im/a Moment/m
"""
HABIT_TIMES = """
every day = jeden Tag
every morning = jeden Morgen
every week = jede Woche
every evening = jeden Abend
in/i the/i evening/e = am/i Abend/e
in/i the/i morning/m = am/i Morgen/m
at/a the/a weekend/w = am/a Wochenende/w
"""
OFTEN = """
often = oft
always = immer
sometimes = manchmal
never = nie
usually = normalerweise
rarely = selten
"""
DEGREES = """
very = sehr
quite = ziemlich
really = wirklich
not very = nicht sehr
"""
WEATHER = """
cold = kalt
hot = heiß
windy = windig
warm = warm
"""
