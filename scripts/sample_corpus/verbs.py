"""The verbs of the sample corpus, as tables to be proofread. Knows no grammar.

`vocabulary` says what its classes and `_` are; `lexicon` reads the tables.
"""

# english [past] | german [stem-] [participle] [sein] | object classes | uses
# The German stem is that of du and er, where it changes; "|" without spaces sets off a
# separable prefix.
TRANSITIVE = """
eat ate | essen iss- gegessen | food | habit
drink drank | trinken getrunken | drink | habit
buy bought | kaufen | food drink clothes reading device vehicle thing furniture
sell sold | verkaufen | vehicle furniture device home
order | bestellen | dish drink baked
cook | kochen | dish vegetable | habit
bake | backen gebacken | baked
peel | schälen | fruit vegetable
read read | lesen lies- gelesen | reading | habit
write wrote | schreiben geschrieben | written
translate | übersetzen | written
wear wore | tragen träg- getragen | clothes | habit
put_on put_on | an|ziehen gezogen | garment
take_off took_off | aus|ziehen gezogen | garment
try_on tried_on | an|probieren | clothes
wash | waschen wäsch- gewaschen | clothes vehicle fruit
repair | reparieren | device vehicle
turn_on | ein|schalten | device
turn_off | aus|schalten | device
open | öffnen | opening luggage
close | schließen geschlossen | opening luggage
clean | putzen | opening room upright
tidy_up | auf|räumen | room
paint | malen | plant animal painted
photograph | fotografieren | animal building plant
visit | besuchen | kin person | habit
call | an|rufen gerufen | kin person | habit
pick_up | ab|holen | kin person | habit
invite | ein|laden läd- geladen | kin person
meet met | treffen triff- getroffen | kin person | habit
see saw | sehen sieh- gesehen | person animal kin seen | stative
greet | begrüßen | person
ask | fragen | person kin
look_for | suchen | lost clothes pet
find found | finden gefunden | lost clothes | stative
lose lost | verlieren verloren | lost | stative
forget forgot | vergessen vergiss- vergessen | lost gift | stative
need | brauchen | clothes device vehicle furniture luggage lost | stative
know knew | kennen gekannt | person written | stative
love | lieben | kin pet | stative
carry | tragen träg- getragen | luggage furniture
bring_along brought_along | mit|bringen gebracht | baked reading pet gift
feed fed | füttern | animal | habit
build built | bauen | built
water | gießen gegossen | plant | habit
cut cut | schneiden geschnitten | baked fruit vegetable
hang_up hung_up | auf|hängen | hung clothes
throw_away threw_away | weg|werfen wirf- geworfen | reading clothes
prepare | vor|bereiten bereitet | planned
"""
DATIVE = """
listen_to | zu|hören | kin person | habit
help | helfen hilf- geholfen | kin person | habit
thank | danken | kin person
answer | antworten | kin person
congratulate | gratulieren | kin person
"""
# ... | preposition, its German, its case
PREPOSITIONAL = """
wait | warten | kin person | | for auf acc
think thought | denken gedacht | kin person event | thought | of an acc
dream | träumen | event home | thought | of von dat
talk | sprechen sprich- gesprochen | kin person event reading | habit | about über acc
laugh | lachen | person written | | about über acc
play | spielen | pet youth | habit | with mit dat
look | auf|passen | pet youth | | after auf acc
look_forward | freuen | event | reflexive thought | to auf acc
take_care took_care | kümmern | kin animal | reflexive | of um acc
"""
# ... with places instead of objects
INTRANSITIVE = """
sleep slept | schlafen schläf- geschlafen | garden hotel beach
work | arbeiten | office hospital library hotel restaurant supermarket garden
study | lernen | library school office café
dance | tanzen | garden kitchen park beach
sing sang | singen gesungen | church garden school theatre kitchen
swim swam | schwimmen geschwommen sein | lake
run ran | laufen läuf- gelaufen sein | park forest beach
cook | kochen | kitchen garden restaurant
play | spielen | garden park beach school
shop shopped | ein|kaufen | supermarket city market village
get_up got_up | auf|stehen gestanden sein | | sudden
fall_asleep fell_asleep | ein|schlafen schläf- geschlafen sein | theatre cinema | sudden
wake_up woke_up | auf|wachen sein | | sudden
arrive | an|kommen gekommen sein | station airport hotel | sudden
come_back came_back | zurück|kommen gekommen sein | | sudden
watch_television | fern|sehen sieh- gesehen
laugh | lachen | cinema theatre
wait | warten | station airport café park
"""
OTHER = """
be was | sein gewesen sein | | stative
have had | haben gehabt | | stative
go went | gehen gegangen sein
drive drove | fahren fähr- gefahren sein
travel travelled | reisen sein
fly flew | fliegen geflogen sein
live | wohnen | | stative
give gave | geben gib- gegeben
show | zeigen
send sent | schicken
lend lent | leihen geliehen
belong | gehören | | stative
rain | regnen
snow | schneien
leave left | ab|fahren fähr- gefahren sein
begin began | beginnen begonnen | | stative
end | enden | | stative
come came | kommen gekommen sein | | stative
stay | bleiben geblieben sein | | stative
hope | hoffen | | stative
say said | sagen | | stative
believe | glauben | | stative
become became | werden geworden sein
cost cost | kosten | | stative
try | versuchen | | stative
promise | versprechen versprich- versprochen | | stative
"""
# TRANSITIVE has the other know: kennen, of persons and things
KNOW_A_FACT = "know knew | wissen gewusst | | stative"
# English has one verb where German asks how a thing is held: where it is, ...
POSITIONS = """
flat lie lay | liegen gelegen
upright stand stood | stehen gestanden
hung hang hung | hängen gehangen
"""
# ... and where it goes.
PLACINGS = """
flat put put | legen
upright put put | stellen
hung put put | hängen
"""
